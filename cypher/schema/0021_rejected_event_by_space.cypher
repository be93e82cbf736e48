// Purpose: Rejected events of a space, newest first.
// Access: schema
CREATE INDEX rejected_event_by_space IF NOT EXISTS FOR (r:RejectedEvent) ON (r.space, r.id)
