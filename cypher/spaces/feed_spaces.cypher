// Purpose: Have a source that feeds a space feed exactly these, unless one is missing or has a key of its name.
// Access: write
// Space: parameter
// Scan: keys
// Parameters:
//   w.space: string
//   w.source: string
//   w.spaces: list of names of spaces, in order
// Columns:
//   hashes: list of its write keys
//   missing: list of spaces that do not exist
//   taken: list of spaces that have a key of its name
MATCH (source:Source {name: $w.source})-[:FEEDS]->(:Space {name: $w.space})
SET source.name = $w.source
WITH source
CALL () {
  UNWIND $w.spaces AS name
  OPTIONAL MATCH (s:Space {name: name})
  SET s.name = name
  RETURN collect(CASE WHEN s IS NULL THEN name END) AS missing
}
WITH source, missing, COLLECT {
  MATCH (k:ApiKey {name: source.name})
  WHERE k.space IN $w.spaces AND k.revoked_at IS NULL
  RETURN k.space ORDER BY k.space
} AS taken
CALL (source, missing, taken) {
  WITH source, missing, taken
  WHERE size(missing) = 0 AND size(taken) = 0
  MATCH (source)-[feeds:FEEDS]->(s:Space)
  WHERE NOT s.name IN $w.spaces
  DELETE feeds
  RETURN count(*) AS ended
}
CALL (source, missing, taken) {
  WITH source, missing, taken
  WHERE size(missing) = 0 AND size(taken) = 0
  UNWIND $w.spaces AS name
  MATCH (s:Space {name: name})
  MERGE (source)-[:FEEDS]->(s)
  RETURN count(*) AS fed
}
RETURN COLLECT { MATCH (k:ApiKey {source: source.name}) WHERE k.revoked_at IS NULL RETURN k.hash } AS hashes, missing, taken
