// Purpose: Retractions of what a source said.
// Access: schema
CREATE INDEX retraction_by_source IF NOT EXISTS FOR (r:Retraction) ON (r.space, r.source)
