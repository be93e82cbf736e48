// Purpose: The write keys of a source.
// Access: schema
CREATE INDEX api_key_by_source IF NOT EXISTS FOR (k:ApiKey) ON (k.source)
