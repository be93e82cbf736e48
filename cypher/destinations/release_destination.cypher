// Purpose: Release a destination; nothing when another worker has taken over.
// Access: write
// Space: keys
// Parameters:
//   w.key: string
//   w.worker: string – who held it
// Columns: none
MATCH (d:Destination {key: $w.key})
SET d.key = $w.key // takes its lock
WITH d
WHERE d.worker = $w.worker
REMOVE d.worker, d.lease_until
