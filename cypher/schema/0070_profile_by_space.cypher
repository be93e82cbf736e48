// Purpose: Profiles of a space, to find customers by a feature.
// Access: schema
CREATE INDEX profile_by_space IF NOT EXISTS FOR (p:Profile) ON (p.space)
