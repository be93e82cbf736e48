// Purpose: Create a source that a vendor's webhook feeds, unless its name is taken or a space is missing.
// Access: write
// Space: instance
// Scan: keys
// Parameters:
//   w.name: string
//   w.spaces: list of space names
//   w.properties: map of `region`, `created_at`, `vendor`, `secrets` (encrypted), `public_url`, `livemode` and `note_attribute`
// Columns:
//   taken: boolean – by another source, or by a key of one of the spaces
//   missing: list of spaces that do not exist
CALL () {
  UNWIND $w.spaces AS name
  OPTIONAL MATCH (s:Space {name: name})
  SET s.name = name
  RETURN collect(CASE WHEN s IS NULL THEN name END) AS missing
}
WITH missing, EXISTS { (:Source {name: $w.name}) } OR EXISTS {
  MATCH (k:ApiKey {name: $w.name})
  WHERE k.space IN $w.spaces AND k.revoked_at IS NULL
} AS taken
CALL (missing, taken) {
  WITH missing, taken
  WHERE NOT taken AND size(missing) = 0
  CREATE (source:Source {name: $w.name})
  SET source += $w.properties
  WITH source
  UNWIND $w.spaces AS name
  MATCH (s:Space {name: name})
  CREATE (source)-[:FEEDS]->(s)
  RETURN count(*) AS made
}
RETURN taken, missing
