// Purpose: Profiles of accounts of a space by when they can change next.
// Access: schema
CREATE INDEX account_profile_by_due IF NOT EXISTS FOR (p:AccountProfile) ON (p.space, p.due)
