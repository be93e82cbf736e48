// Purpose: Leave a retraction to the worker that claims it next.
// Access: write
// Space: keys
// Parameters:
//   id: string – retraction id
//   worker: string – who held it
// Columns: none
MATCH (r:Retraction {id: $id})
SET r.space = r.space // takes its lock
WITH r WHERE r.worker = $worker
REMOVE r.worker, r.lease_until
