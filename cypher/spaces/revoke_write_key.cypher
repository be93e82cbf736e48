// Purpose: Revoke the write key of a source that feeds a space, whatever else it feeds.
// Access: write
// Space: parameter
// Scan: keys
// Product: the source that feeds the space is one row
// Parameters:
//   space: string
//   name: string – of the source
//   now: integer
// Columns:
//   hashes: list of the keys that were revoked
MATCH (:Source {name: $name})-[:FEEDS]->(:Space {name: $space})
MATCH (k:ApiKey {role: 'WRITE', source: $name})
WHERE k.revoked_at IS NULL
SET k.revoked_at = $now
RETURN collect(k.hash) AS hashes
