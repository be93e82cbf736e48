// Purpose: A space exists once.
// Access: schema
CREATE CONSTRAINT space_name IF NOT EXISTS FOR (s:Space) REQUIRE s.name IS UNIQUE
