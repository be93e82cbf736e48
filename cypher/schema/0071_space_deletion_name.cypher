// Purpose: A space is being deleted once.
// Access: schema
CREATE CONSTRAINT space_deletion_name IF NOT EXISTS FOR (d:SpaceDeletion) REQUIRE d.name IS UNIQUE
