// Purpose: Delete some events of a space that is being deleted.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.worker: string – who holds its deletion
//   w.lease: integer – milliseconds until others may claim it
//   w.most: integer – events at once
// Columns:
//   gone: integer – events that were deleted
MATCH (d:SpaceDeletion {name: $w.space})
SET d.name = $w.space // takes its lock
WITH d WHERE d.worker = $w.worker
CALL (d) {
  MATCH (n:Event) WHERE n.key STARTS WITH $w.space + '/'
  WITH n LIMIT $w.most
  DETACH DELETE n
  RETURN count(*) AS gone
}
SET d.lease_until = timestamp() + $w.lease, d.deleted = d.deleted + gone
RETURN gone
