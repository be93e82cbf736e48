// Purpose: The events of a destination in a state, by key.
// Access: schema
CREATE INDEX outgoing_event_by_state IF NOT EXISTS FOR (o:OutgoingEvent) ON (o.space, o.destination, o.state, o.key)
