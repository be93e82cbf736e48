// Purpose: Release the computing of profiles in a space, so that any worker may claim it.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.worker: string – who held it
// Columns: none
MATCH (k:ProfileWork {space: $w.space})
SET k.space = $w.space // takes its lock
WITH k WHERE k.worker = $w.worker
REMOVE k.worker, k.lease_until
