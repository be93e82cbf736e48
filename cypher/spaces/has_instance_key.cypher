// Purpose: Whether there is a key of the instance administrator.
// Access: read
// Space: instance
// Scan: keys
// Parameters: none
// Columns:
//   found: boolean
RETURN EXISTS { MATCH (k:ApiKey {role: 'INSTANCE'}) WHERE k.revoked_at IS NULL } AS found
