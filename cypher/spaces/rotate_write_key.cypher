// Purpose: Give a source that feeds a space a new write key; those that it has are good for a while only.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.source: string
//   w.may_feed_others: boolean – also where the source feeds other spaces too
//   w.hash: string – SHA-256 of the new key, hexadecimal
//   w.grace: integer – milliseconds for which the others stay good
//   w.most: integer – keys that may be good at a time
// Columns:
//   hashes: list of its other write keys
//   refused: boolean – nothing was written, since it feeds other spaces too
//   full: boolean – nothing was written, since it has too many keys that are good
MATCH (source:Source {name: $w.source})-[:FEEDS]->(:Space {name: $w.space})
SET source.name = source.name
WITH source, NOT $w.may_feed_others AND COUNT { (source)-[:FEEDS]->() } > 1 AS refused, timestamp() AS now
WITH source, refused, now, COLLECT {
  MATCH (k:ApiKey {source: source.name})
  WHERE k.revoked_at IS NULL AND coalesce(k.good_until > now, true) AND k.snowplow_app_id IS NULL
  RETURN k.hash
} AS hashes
WITH source, refused, now, hashes, size(hashes) >= $w.most AND $w.grace > 0 AS full
CALL (source, refused, now, hashes, full) {
  WITH source, refused, now, hashes, full
  WHERE NOT refused AND NOT full
  CREATE (:ApiKey {hash: $w.hash, role: 'WRITE', name: source.name, source: source.name, created_at: now})
  WITH hashes, now + $w.grace AS good_until
  UNWIND hashes AS hash
  MATCH (k:ApiKey {hash: hash})
  SET k.good_until = CASE WHEN k.good_until < good_until THEN k.good_until ELSE good_until END
  RETURN count(*) AS ending
}
RETURN hashes, refused, full
