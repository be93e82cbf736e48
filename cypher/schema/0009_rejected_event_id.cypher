// Purpose: A rejected event is found by its id.
// Access: schema
CREATE CONSTRAINT rejected_event_id IF NOT EXISTS FOR (r:RejectedEvent) REQUIRE r.id IS UNIQUE
