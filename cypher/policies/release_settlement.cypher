// Purpose: Leave the settlement of a version to whoever takes it up next.
// Access: write
// Space: keys
// Parameters:
//   key: key of the policy
//   worker: string – who settled
// Columns: none
MATCH (p:Policy {key: $key})
SET p.space = p.space // takes its lock
WITH p WHERE p.worker = $worker
REMOVE p.worker, p.lease_until
