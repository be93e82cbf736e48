// Purpose: Put a new version of the reading rules of a source in force, unless another is than the one expected.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.source: string
//   w.may_feed_others: boolean – also where the source feeds other spaces too
//   w.expected: integer – the version in force; 0: there is none
//   w.text: string
//   w.region: string or null – country of national phone numbers that the rules name, ISO 3166
//   w.author: string
//   w.now: integer
// Columns:
//   hashes: list of its write keys
//   refused: boolean – nothing was written, since it feeds other spaces too
//   version: integer – the one in force from now on
//   put: boolean
MATCH (source:Source {name: $w.source})-[:FEEDS]->(:Space {name: $w.space})
SET source.name = source.name
WITH source, NOT $w.may_feed_others AND COUNT { (source)-[:FEEDS]->() } > 1 AS refused, coalesce(source.rules_version, 0) AS version
WITH source, refused, version, NOT refused AND version = $w.expected AS put
CALL (source, version, put) {
  WITH source, version, put
  WHERE put
  SET source.rules = $w.text, source.rules_version = version + 1, source.rules_region = $w.region
  CREATE (:ReadingRules {
    key: source.name + '/' + toString(version + 1), source: source.name, version: version + 1, text: $w.text,
    author: $w.author, created_at: $w.now
  })
  RETURN count(*) AS made
}
RETURN COLLECT { MATCH (k:ApiKey {source: source.name}) WHERE k.revoked_at IS NULL RETURN k.hash } AS hashes, refused,
  CASE WHEN put THEN version + 1 ELSE version END AS version, put
