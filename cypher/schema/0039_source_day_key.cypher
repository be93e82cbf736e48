// Purpose: What a source sent to a space is counted once for each day.
// Access: schema
CREATE CONSTRAINT source_day_key IF NOT EXISTS FOR (d:SourceDay) REQUIRE d.key IS UNIQUE
