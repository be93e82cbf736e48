// Purpose: The ids that are anchored at identifiers which no event carries any more, each with the anchors
//   that it left.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of identifier keys
// Columns:
//   ids: list of [id, created_at, key of its anchor, list of [until, rev, key of a former anchor]]
UNWIND $w.keys AS key
MATCH (i:UnseenIdentifier {key: key})
MATCH (i)<-[:ANCHORED_AT]-(c)
CALL (c) {
  MATCH (c)-[was:WAS_ANCHORED_AT]->(before)
  RETURN collect([was.until, coalesce(was.rev, 0), before.key]) AS earlier
}
RETURN collect([c.id, c.created_at, key, earlier]) AS ids
