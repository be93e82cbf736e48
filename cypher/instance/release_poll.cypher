// Purpose: Release a source that was read from its database, and keep what came of it.
// Access: write
// Space: instance
// Parameters:
//   w.source: string – its name
//   w.worker: string – who held it
//   w.report: string – JSON, what was read of each call
//   w.error: string or null – why not everything was read
//   w.unfinished: boolean – whether it is due at once
// Columns: none
WITH $w AS w
MATCH (p:Poll {source: w.source})
SET p.source = p.source // takes its lock
WITH w, p WHERE p.worker = w.worker
SET p.ended_at = timestamp(), p.report = w.report, p.error = w.error, p.unfinished = w.unfinished
REMOVE p.worker, p.lease_until
