// Purpose: Profiles of accounts of a space that customers were computed of since.
// Access: schema
CREATE INDEX account_profile_by_touch IF NOT EXISTS FOR (p:AccountProfile) ON (p.space, p.touched)
