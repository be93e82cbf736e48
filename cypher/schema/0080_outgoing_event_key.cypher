// Purpose: One node for each event that went to a destination, or is to go.
// Access: schema
CREATE CONSTRAINT outgoing_event_key IF NOT EXISTS FOR (o:OutgoingEvent) REQUIRE o.key IS UNIQUE
