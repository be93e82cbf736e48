// Purpose: Claim a destination, or extend the claim, unless it is paused or another worker holds it.
// Access: write
// Space: keys
// Parameters:
//   w.key: string
//   w.worker: string – who claims it
//   w.lease: integer – milliseconds until others may claim it
// Columns:
//   destination: map of its properties
MATCH (d:Destination {key: $w.key})
SET d.key = $w.key // takes its lock
WITH d
WHERE d.paused_at IS NULL AND (d.worker = $w.worker OR coalesce(d.lease_until, 0) < timestamp())
SET d.worker = $w.worker, d.lease_until = timestamp() + $w.lease
RETURN properties(d) AS destination
