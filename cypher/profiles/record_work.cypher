// Purpose: Record how far the computing of all customers is, and extend the lease.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.worker: string – who is at it
//   w.lease: integer – milliseconds until others may claim it
//   w.computed: integer – how many more were computed
//   w.place_at: integer or null – until where; null: nothing of that was done
//   w.place: string or null
//   w.version: integer or null – the version by which all customers are computed now, if they are
//   w.findable: boolean – customers can be found by all values that are stored now
// Columns:
//   held: boolean
MATCH (k:ProfileWork {space: $w.space})
SET k.space = $w.space // takes its lock
WITH k WHERE k.worker = $w.worker
SET k.lease_until = timestamp() + $w.lease,
  k.computed = coalesce(k.computed, 0) + $w.computed,
  k.place_at = coalesce($w.place_at, k.place_at),
  k.place = coalesce($w.place, k.place),
  k.findable = $w.findable OR k.findable
FOREACH (version IN CASE WHEN $w.version IS NULL THEN [] ELSE [$w.version] END |
  SET k.version = version, k.computed = k.to_compute
  REMOVE k.computing, k.place_at, k.place
)
RETURN true AS held
