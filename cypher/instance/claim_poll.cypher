// Purpose: Claim the reading of a source from its database, unless it is not due or another worker
//   holds it.
// Access: write
// Space: instance
// Parameters:
//   w.source: string – its name
//   w.worker: string – who claims it
//   w.lease: integer – milliseconds until others may claim it; recorded cursors extend the lease
//   w.every: integer – milliseconds after which it is due, since it was begun last; at once where
//     that was not finished
// Columns:
//   cursors: string – JSON, the cursor value of each call; null at the first time
WITH $w AS w
MATCH (:Source {name: w.source})
MERGE (p:Poll {source: w.source})
WITH w, p WHERE (p.unfinished OR coalesce(p.begun_at, 0) + w.every <= timestamp()) AND coalesce(p.lease_until, 0) < timestamp()
SET p.source = p.source // takes its lock
WITH w, p WHERE (p.unfinished OR coalesce(p.begun_at, 0) + w.every <= timestamp()) AND coalesce(p.lease_until, 0) < timestamp()
SET p.worker = w.worker, p.lease_until = timestamp() + w.lease, p.begun_at = timestamp(), p.unfinished = true
RETURN p.cursors AS cursors
