// Purpose: The days of a source.
// Access: schema
CREATE INDEX source_day_by_source IF NOT EXISTS FOR (d:SourceDay) ON (d.source, d.day)
