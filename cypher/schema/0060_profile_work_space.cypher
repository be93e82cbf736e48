// Purpose: In each space one process computes profiles.
// Access: schema
CREATE CONSTRAINT profile_work_space IF NOT EXISTS FOR (w:ProfileWork) REQUIRE w.space IS UNIQUE
