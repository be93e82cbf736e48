// Purpose: Give a key of a space a successor of the same name and role; those that it has are good for a while only.
//   Locks the space, so that two that come at once end each other's in turn.
// Access: write
// Space: parameter
// Scan: keys
// Product: the space is one row
// Parameters:
//   w.space: string
//   w.name: string – of the key
//   w.hashes: map from each role to the SHA-256 of the new key if it has that role, hexadecimal
//   w.grace: integer – milliseconds for which the others stay good
//   w.most: integer – keys of the name that may be good at a time
// Columns:
//   hashes: list of its keys before
//   role: string – of all of them
//   full: boolean – nothing was written, since too many of its keys are good
//   good_until: integer – when those before end
MATCH (s:Space {name: $w.space})
SET s.name = s.name
WITH s, timestamp() AS now
MATCH (k:ApiKey {space: s.name, name: $w.name})
WHERE k.revoked_at IS NULL AND coalesce(k.good_until > now, true)
WITH now, max(k.role) AS role, collect(k.hash) AS hashes
WHERE size(hashes) > 0
WITH now, role, hashes, now + $w.grace AS good_until, size(hashes) >= $w.most AND $w.grace > 0 AS full
CALL (now, role, hashes, good_until, full) {
  WITH now, role, hashes, good_until, full
  WHERE NOT full
  CREATE (:ApiKey {hash: $w.hashes[role], role: role, name: $w.name, space: $w.space, created_at: now})
  WITH hashes, good_until
  UNWIND hashes AS hash
  MATCH (k:ApiKey {hash: hash})
  SET k.good_until = CASE WHEN k.good_until < good_until THEN k.good_until ELSE good_until END
  RETURN count(*) AS ending
}
RETURN hashes, role, full, good_until
