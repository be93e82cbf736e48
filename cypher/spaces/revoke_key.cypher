// Purpose: Revoke a key of a space, or the write key of a source that feeds no other space.
// Access: write
// Space: parameter
// Scan: keys
// Parameters:
//   space: string
//   name: string – of the key, or of the source
//   now: integer
// Columns:
//   hashes: list of the keys that were revoked
//   elsewhere: boolean – the write key stays, since its source feeds other spaces too
OPTIONAL MATCH (source:Source {name: $name})-[:FEEDS]->(:Space {name: $space})
WITH source IS NOT NULL AS feeds, COUNT { (source)-[:FEEDS]->() } > 1 AS elsewhere
CALL (feeds, elsewhere) {
  MATCH (k:ApiKey {name: $name})
  WHERE k.revoked_at IS NULL AND (k.space = $space OR (feeds AND NOT elsewhere AND k.role = 'WRITE'))
  SET k.revoked_at = $now
  RETURN collect(k.hash) AS hashes
}
RETURN hashes, elsewhere
