// Purpose: Changes of a space in the order in which they were committed.
// Access: schema
CREATE CONSTRAINT change_position IF NOT EXISTS FOR (c:Change) REQUIRE (c.space, c.position) IS UNIQUE
