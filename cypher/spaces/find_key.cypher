// Purpose: The rights of a key, unless it is revoked or a newer one has taken its place.
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
//   paused: boolean – its source is paused
//   events_per_s: float or null – most events a second that its source may send
//   rules: string or null – text of the reading rules of its source
//   feeds: list of the spaces that its source feeds
MATCH (k:ApiKey {hash: $hash})
WHERE k.revoked_at IS NULL AND coalesce(k.good_until > timestamp(), true)
OPTIONAL MATCH (source:Source {name: k.source})
RETURN k.role AS role, k.name AS name, k.space AS space, k.source AS source, coalesce(source.rules_region, source.region) AS region, source.proof_secret AS proof_secret,
  source.paused_at IS NOT NULL AS paused, source.events_per_s AS events_per_s, source.rules AS rules,
  COLLECT { MATCH (source)-[:FEEDS]->(s:Space) RETURN s.name ORDER BY s.name } AS feeds
