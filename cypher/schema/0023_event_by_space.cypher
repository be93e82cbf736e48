// Purpose: Events of a space by time.
// Access: schema
CREATE INDEX event_by_space IF NOT EXISTS FOR (e:Event) ON (e.space, e.at)
