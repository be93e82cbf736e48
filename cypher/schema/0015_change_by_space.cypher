// Purpose: Changes of a space, newest first.
// Access: schema
CREATE INDEX change_by_space IF NOT EXISTS FOR (c:Change) ON (c.space, c.id)
