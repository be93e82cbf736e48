// Purpose: A rejected event is kept once, however often it is sent.
// Access: schema
CREATE CONSTRAINT rejected_event_key IF NOT EXISTS FOR (r:RejectedEvent) REQUIRE r.key IS UNIQUE
