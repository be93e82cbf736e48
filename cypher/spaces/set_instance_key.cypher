// Purpose: Make one key the only key of the instance administrator.
// Access: write
// Space: instance
// Scan: keys
// Parameters:
//   hash: string – SHA-256 of the key, hexadecimal
//   name: string
//   now: integer
// Columns: none
MERGE (k:ApiKey {hash: $hash})
ON CREATE SET k.created_at = $now
SET k.role = 'INSTANCE', k.name = $name, k.revoked_at = null
WITH k
MATCH (other:ApiKey {role: 'INSTANCE'})
WHERE other.hash <> $hash AND other.revoked_at IS NULL
SET other.revoked_at = $now
