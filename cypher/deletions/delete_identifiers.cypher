// Purpose: Delete some identifiers of a space that is being deleted. One that is connected with too many loses
//   some of that first.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.worker: string – who holds its deletion
//   w.lease: integer – milliseconds until others may claim it
//   w.most: integer – identifiers at once, and of what they are connected with ten times as many
// Columns:
//   gone: integer – identifiers and relationships that were deleted
MATCH (d:SpaceDeletion {name: $w.space})
SET d.name = $w.space // takes its lock
WITH d WHERE d.worker = $w.worker
CALL (d) {
  CALL () {
    MATCH (n:Identifier) WHERE n.key STARTS WITH $w.space + '/' RETURN n LIMIT $w.most
    UNION ALL
    MATCH (n:UnseenIdentifier) WHERE n.key STARTS WITH $w.space + '/' RETURN n LIMIT $w.most
  }
  WITH n LIMIT $w.most
  RETURN collect(n) AS identifiers
}
CALL (identifiers) {
  UNWIND identifiers AS n
  MATCH (n)-[r]-()
  WITH DISTINCT r LIMIT 10 * $w.most
  DELETE r
  RETURN count(*) AS ended
}
CALL (identifiers, ended) {
  WITH identifiers WHERE ended < 10 * $w.most
  UNWIND identifiers AS n
  DETACH DELETE n
  RETURN count(*) AS deleted
}
SET d.lease_until = timestamp() + $w.lease, d.deleted = d.deleted + deleted
RETURN deleted + ended AS gone
