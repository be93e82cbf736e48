// Purpose: Claim the deletion of a space, or renew the claim on it, unless another worker holds it.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.worker: string – who claims it
//   w.lease: integer – milliseconds until others may claim it; whatever is deleted extends the lease
// Columns:
//   begun_at: integer
MATCH (d:SpaceDeletion {name: $w.space})
SET d.name = $w.space // takes its lock
WITH d WHERE d.worker = $w.worker OR coalesce(d.lease_until, 0) < timestamp()
SET d.worker = $w.worker, d.lease_until = timestamp() + $w.lease
RETURN d.begun_at AS begun_at
