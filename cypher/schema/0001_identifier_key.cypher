// Purpose: An identifier exists once per space; found by its key.
// Access: schema
CREATE CONSTRAINT identifier_key IF NOT EXISTS FOR (i:Identifier) REQUIRE i.key IS UNIQUE
