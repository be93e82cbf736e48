// Purpose: Delete some customers and accounts of a space that is being deleted, once its identifiers are gone.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.worker: string – who holds its deletion
//   w.lease: integer – milliseconds until others may claim it
//   w.most: integer – nodes at once
// Columns:
//   gone: integer – nodes that were deleted
MATCH (d:SpaceDeletion {name: $w.space})
SET d.name = $w.space // takes its lock
WITH d WHERE d.worker = $w.worker
CALL (d) {
  CALL () {
    MATCH (n:RetiredId) WHERE n.space = $w.space RETURN n LIMIT $w.most
    UNION ALL
    MATCH (n:Profile) WHERE n.space = $w.space RETURN n LIMIT $w.most
    UNION ALL
    MATCH (n:Customer) WHERE n.space = $w.space AND n.policy_version > 0 RETURN n LIMIT $w.most
    UNION ALL
    MATCH (n:AccountTraits) WHERE n.key STARTS WITH $w.space + '/' RETURN n LIMIT $w.most
    UNION ALL
    MATCH (n:Account) WHERE n.key STARTS WITH $w.space + '/' RETURN n LIMIT $w.most
  }
  WITH n LIMIT $w.most
  DETACH DELETE n
  RETURN count(*) AS gone
}
SET d.lease_until = timestamp() + $w.lease, d.deleted = d.deleted + gone
RETURN gone
