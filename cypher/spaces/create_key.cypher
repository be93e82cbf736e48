// Purpose: Create a key of a space, unless its name is taken. Locks the space, so that a name is used once.
// Access: write
// Space: parameter
// Scan: keys
// Parameters:
//   space: string
//   hash: string – SHA-256 of the key, hexadecimal
//   role: string
//   name: string
//   now: integer
// Columns:
//   taken: boolean – by another key, or by a source that feeds the space
MATCH (s:Space {name: $space})
SET s.name = s.name
WITH EXISTS { (:Source {name: $name})-[:FEEDS]->(s) } OR EXISTS {
  MATCH (k:ApiKey {space: $space, name: $name})
  WHERE k.revoked_at IS NULL
} AS taken
CALL (taken) {
  WITH taken
  WHERE NOT taken
  CREATE (:ApiKey {hash: $hash, role: $role, name: $name, space: $space, created_at: $now})
  RETURN count(*) AS made
}
RETURN taken
