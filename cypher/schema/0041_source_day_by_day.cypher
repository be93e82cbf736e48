// Purpose: Days that have been kept for long enough.
// Access: schema
CREATE INDEX source_day_by_day IF NOT EXISTS FOR (d:SourceDay) ON (d.day)
