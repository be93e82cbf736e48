// Purpose: One place for each file whose load is not done.
// Access: schema
CREATE CONSTRAINT file_load_key IF NOT EXISTS FOR (l:FileLoad) REQUIRE l.key IS UNIQUE
