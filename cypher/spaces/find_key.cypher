// Purpose: The rights of a key, unless it is revoked.
// Access: read
// Space: instance
// Parameters:
//   hash: string – SHA-256 of the key, hexadecimal
// Columns:
//   role: string
//   name: string
//   space: string or null
//   source: string or null
//   region: string or null – country of national phone numbers that its source sends
//   proof_secret: string or null – proofs of user ids are made with it
//   feeds: list of the spaces that its source feeds
MATCH (k:ApiKey {hash: $hash})
WHERE k.revoked_at IS NULL
OPTIONAL MATCH (source:Source {name: k.source})
RETURN k.role AS role, k.name AS name, k.space AS space, k.source AS source, source.region AS region, source.proof_secret AS proof_secret,
  COLLECT { MATCH (source)-[:FEEDS]->(s:Space) RETURN s.name ORDER BY s.name } AS feeds
