// Purpose: Leave the deletion of a space to whoever claims it next.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.worker: string – who held it
// Columns: none
MATCH (d:SpaceDeletion {name: $w.space})
SET d.name = $w.space // takes its lock
WITH d WHERE d.worker = $w.worker
REMOVE d.worker, d.lease_until
