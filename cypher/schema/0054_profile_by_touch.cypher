// Purpose: Profiles of a space whose customers were settled since they were computed.
// Access: schema
CREATE INDEX profile_by_touch IF NOT EXISTS FOR (p:Profile) ON (p.space, p.touched)
