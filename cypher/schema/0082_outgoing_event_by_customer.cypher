// Purpose: The events of a customer that went to destinations, or are to go, by their state.
// Access: schema
CREATE INDEX outgoing_event_by_customer IF NOT EXISTS FOR (o:OutgoingEvent) ON (o.space, o.customer_id, o.state)
