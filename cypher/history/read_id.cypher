// Purpose: An id with all of its anchors, current or retired.
// Access: read
// Space: parameter
// Parameters:
//   space: string
//   id: string – customer id
// Columns:
//   entry: [id, created_at, list of [identifier key, until or null, rev or null]]
CALL () {
  MATCH (c:Customer {id: $id}) RETURN c
  UNION
  MATCH (c:RetiredId {id: $id}) RETURN c
}
WITH c WHERE c.space = $space
CALL (c) {
  MATCH (c)-[a:ANCHORED_AT|WAS_ANCHORED_AT]->(i)
  RETURN collect([i.key, a.until, a.rev]) AS anchors
}
RETURN [c.id, c.created_at, anchors] AS entry
