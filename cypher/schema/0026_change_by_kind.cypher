// Purpose: Changes of one kind, also where that is rare.
// Access: schema
CREATE INDEX change_by_kind IF NOT EXISTS FOR (c:Change) ON (c.space, c.kind, c.position)
