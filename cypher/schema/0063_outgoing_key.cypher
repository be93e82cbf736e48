// Purpose: A customer waits for a destination once.
// Access: schema
CREATE CONSTRAINT outgoing_key IF NOT EXISTS FOR (o:Outgoing) REQUIRE o.key IS UNIQUE
