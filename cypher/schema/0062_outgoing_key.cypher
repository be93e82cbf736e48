// Purpose: What goes to a destination about a customer is kept once.
// Access: schema
CREATE CONSTRAINT outgoing_key IF NOT EXISTS FOR (o:Outgoing) REQUIRE o.key IS UNIQUE
