// Purpose: Claim the computing of profiles in a space, unless another worker holds it.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.worker: string – who claims it
//   w.lease: integer – milliseconds until others may claim it; recording progress extends the lease
// Columns:
//   version: integer or null – version of the text by which all customers were computed
//   computing: integer or null – version by which all are being computed
//   place_at: integer – until where that is done: when the last of these customers was settled
//   place: string – and its id
//   findable: boolean – whether customers can be found by all values that are stored
MATCH (s:Space {name: $w.space})
MERGE (k:ProfileWork {space: s.name})
  ON CREATE SET k.findable = true
WITH k WHERE k.worker IS NULL OR k.worker = $w.worker OR coalesce(k.lease_until, 0) < timestamp()
SET k.space = $w.space // takes its lock
WITH k WHERE k.worker IS NULL OR k.worker = $w.worker OR coalesce(k.lease_until, 0) < timestamp()
SET k.worker = $w.worker, k.lease_until = timestamp() + $w.lease
RETURN k.version AS version, k.computing AS computing, coalesce(k.place_at, 0) AS place_at, coalesce(k.place, '') AS place,
  coalesce(k.findable, false) AS findable
