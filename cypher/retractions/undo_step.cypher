// Purpose: Hold a retraction until the end of the transaction that gives events back, so that this stands only
//   if this worker still works at the retraction; forget the step that took them out, and extend the lease.
// Access: write
// Space: keys
// Parameters:
//   id: string – retraction id
//   worker: string – who works at it
//   lease: integer – milliseconds until others may claim it
//   events: integer – how many are given back
//   number: integer – of the step, or null where more events of it are to be given back
// Columns:
//   written: boolean
MATCH (r:Retraction {id: $id})
SET r.space = r.space // takes its lock
WITH r WHERE r:Retracting AND r.worker = $worker
SET r.lease_until = timestamp() + $lease, r.events = r.events + $events
WITH r
CALL (r) {
  MATCH (t:RetractionStep {space: r.space, retraction: r.id, number: $number})
  DELETE t
}
RETURN true AS written
