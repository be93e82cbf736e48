// Purpose: A retired id is found by itself.
// Access: schema
CREATE CONSTRAINT retired_id IF NOT EXISTS FOR (r:RetiredId) REQUIRE r.id IS UNIQUE
