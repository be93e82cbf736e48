// Purpose: Record how far a source was read from its database, and extend the lease on it. Nothing is
//   written when another worker holds it.
// Access: write
// Space: instance
// Parameters:
//   w.source: string – its name
//   w.worker: string – who reads it
//   w.lease: integer – milliseconds until others may claim it
//   w.cursors: string – JSON, the cursor value of each call
// Columns:
//   source: string
WITH $w AS w
MATCH (p:Poll {source: w.source})
SET p.source = p.source // takes its lock
WITH w, p WHERE p.worker = w.worker
SET p.lease_until = timestamp() + w.lease, p.cursors = w.cursors
RETURN p.source AS source
