// Purpose: Changes of a span of time.
// Access: schema
CREATE INDEX change_by_time IF NOT EXISTS FOR (c:Change) ON (c.space, c.at)
