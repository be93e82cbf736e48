// Purpose: Each row of a mirrored table is known once.
// Access: schema
CREATE CONSTRAINT mirrored_row_key IF NOT EXISTS FOR (m:MirroredRow) REQUIRE m.key IS UNIQUE
