// Purpose: The records of a destination in a state, by key.
// Access: schema
CREATE INDEX outgoing_record_by_state IF NOT EXISTS FOR (r:OutgoingRecord) ON (r.space, r.destination, r.state, r.key)
