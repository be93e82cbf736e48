// Purpose: Begin to compute all customers of a space by a version of its text.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.worker: string – who is at it
//   w.version: integer
// Columns:
//   customers: integer – how many there are
MATCH (k:ProfileWork {space: $w.space})
SET k.space = $w.space // takes its lock
WITH k WHERE k.worker = $w.worker
SET k.computing = $w.version, k.place_at = 0, k.place = '', k.computed = 0,
  k.to_compute = COUNT { MATCH (c:Customer {space: $w.space}) WHERE c.policy_version IS NOT NULL }
RETURN k.to_compute AS customers
