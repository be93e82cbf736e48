// Purpose: A schema file is applied once.
// Access: schema
CREATE CONSTRAINT applied_schema_number IF NOT EXISTS FOR (a:AppliedSchema) REQUIRE a.number IS UNIQUE
