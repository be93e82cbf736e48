// Purpose: Hold a retraction until the end of the transaction that takes events out, so that this stands only
//   if this worker still works at the retraction; note which events these are, so that they are given back
//   in the same steps, and extend the lease.
// Access: write
// Space: keys
// Parameters:
//   id: string – retraction id
//   worker: string – who works at it
//   lease: integer – milliseconds until others may claim it
//   events: list of event keys
// Columns:
//   written: boolean
MATCH (r:Retraction {id: $id})
SET r.space = r.space // takes its lock
WITH r WHERE r:Retracting AND r.worker = $worker
SET r.lease_until = timestamp() + $lease, r.events = r.events + size($events), r.steps = r.steps + 1
CREATE (:RetractionStep {space: r.space, retraction: r.id, number: r.steps, events: $events})
RETURN true AS written
