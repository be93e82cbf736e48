// Purpose: Retractions of a space, newest first.
// Access: schema
CREATE INDEX retraction_by_space IF NOT EXISTS FOR (r:Retraction) ON (r.space, r.id)
