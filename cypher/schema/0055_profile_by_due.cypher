// Purpose: Profiles of a space by when they can change next.
// Access: schema
CREATE INDEX profile_by_due IF NOT EXISTS FOR (p:Profile) ON (p.space, p.due)
