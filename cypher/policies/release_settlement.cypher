// Purpose: Release the settlement of a version, so that any worker may claim it.
// Access: write
// Space: keys
// Parameters:
//   key: key of the policy
//   worker: string – who held it
// Columns: none
MATCH (p:Policy {key: $key})
SET p.space = p.space // takes its lock
WITH p WHERE p.worker = $worker
REMOVE p.worker, p.lease_until
