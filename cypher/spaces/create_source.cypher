// Purpose: Create a source that feeds some spaces, with its write key, unless its name is taken or a space is missing.
// Access: write
// Space: instance
// Scan: keys
// Parameters:
//   w.name: string
//   w.spaces: list of space names
//   w.region: string or null – country of its national phone numbers, ISO 3166
//   w.hash: string – SHA-256 of the write key, hexadecimal
//   w.app_id: string or null – by which Snowplow's trackers name it
//   w.app_hash: string or null – SHA-256 of that, hexadecimal
//   w.now: integer
// Columns:
//   taken: boolean – by another source, or by a key of one of the spaces
//   missing: list of spaces that do not exist
//   app_taken: boolean – another source has the app id, or had it
CALL () {
  UNWIND $w.spaces AS name
  OPTIONAL MATCH (s:Space {name: name})
  SET s.name = name
  RETURN collect(CASE WHEN s IS NULL THEN name END) AS missing
}
WITH missing, EXISTS { (:ApiKey {hash: $w.app_hash}) } AS app_taken, EXISTS { (:Source {name: $w.name}) } OR EXISTS {
  MATCH (k:ApiKey {name: $w.name})
  WHERE k.space IN $w.spaces AND k.revoked_at IS NULL
} AS taken
CALL (missing, taken, app_taken) {
  WITH missing, taken, app_taken
  WHERE NOT taken AND NOT app_taken AND size(missing) = 0
  CREATE (source:Source {name: $w.name, region: $w.region, snowplow_app_id: $w.app_id, created_at: $w.now})
  CREATE (:ApiKey {hash: $w.hash, role: 'WRITE', name: $w.name, source: $w.name, created_at: $w.now})
  FOREACH (hash IN CASE WHEN $w.app_hash IS NULL THEN [] ELSE [$w.app_hash] END |
    CREATE (:ApiKey {
      hash: hash, role: 'WRITE', name: $w.name, source: $w.name, snowplow_app_id: $w.app_id, created_at: $w.now
    }))
  WITH source
  UNWIND $w.spaces AS name
  MATCH (s:Space {name: name})
  CREATE (source)-[:FEEDS]->(s)
  RETURN count(*) AS made
}
RETURN taken, missing, app_taken
