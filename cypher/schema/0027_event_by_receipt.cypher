// Purpose: Events of a space in the order in which they were received, for incremental exports.
// Access: schema
CREATE INDEX event_by_receipt IF NOT EXISTS FOR (e:Event) ON (e.space, e.received_at)
