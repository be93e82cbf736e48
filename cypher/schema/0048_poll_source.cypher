// Purpose: One state of reading for each source that is read from a database.
// Access: schema
CREATE CONSTRAINT poll_source IF NOT EXISTS FOR (p:Poll) REQUIRE p.source IS UNIQUE
