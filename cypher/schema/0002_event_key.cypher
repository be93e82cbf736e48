// Purpose: An event exists once per space; found by its message id.
// Access: schema
CREATE CONSTRAINT event_key IF NOT EXISTS FOR (e:Event) REQUIRE e.key IS UNIQUE
