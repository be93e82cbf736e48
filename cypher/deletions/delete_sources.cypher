// Purpose: Delete some of what belongs to the sources that fed a space that is being deleted, and nothing else.
//   So goes what somebody made for the space while its deletion began: keys, and sources that feed it.
// Access: write
// Space: parameter
// Scan: keys
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
  MATCH (source:Source)-[feeds:FEEDS]->(d)
  WITH source, feeds, NOT EXISTS { (source)-[:FEEDS]->(:Space) } AS only_here
  DELETE feeds
  RETURN collect(CASE WHEN only_here THEN source.name END) AS late
}
SET d.sources = d.sources + late
WITH d
CALL (d) {
  MATCH (n:ApiKey) WHERE n.space = $w.space
  WITH n LIMIT $w.most
  DETACH DELETE n
  RETURN count(*) AS keys
}
CALL (d) {
  UNWIND d.sources AS source
  CALL (source) {
    MATCH (n:ApiKey {source: source}) RETURN n LIMIT $w.most
    UNION ALL
    MATCH (n:Poll {source: source}) RETURN n LIMIT $w.most
    UNION ALL
    MATCH (n:ReadingRules) WHERE n.key STARTS WITH source + '/' RETURN n LIMIT $w.most
    UNION ALL
    MATCH (n:MirroredRow) WHERE n.call STARTS WITH source + '\t' AND n.seen > 0 RETURN n LIMIT $w.most
  }
  WITH n LIMIT $w.most
  DETACH DELETE n
  RETURN count(*) AS others
}
WITH d, keys + others AS gone
SET d.lease_until = timestamp() + $w.lease, d.deleted = d.deleted + gone
RETURN gone
