// Purpose: Events of a step in a space, by time.
// Access: schema
CREATE INDEX event_by_step IF NOT EXISTS FOR (e:Event) ON (e.space, e.step, e.at)
