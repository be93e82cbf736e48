// Purpose: How far a replay is stands once for each source and pair of spaces.
// Access: schema
CREATE CONSTRAINT replay_key IF NOT EXISTS FOR (r:Replay) REQUIRE r.key IS UNIQUE
