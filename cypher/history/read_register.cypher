// Purpose: All ids that were ever anchored at the given identifiers, each with all of its anchors.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of identifier keys
// Columns:
//   register: list of [id, created_at, list of [identifier key, until or null, rev or null]]
UNWIND $w.keys AS key
MATCH (i:Identifier|UnseenIdentifier {key: key})
MATCH (i)<-[:ANCHORED_AT|WAS_ANCHORED_AT]-(c)
WITH DISTINCT c
CALL (c) {
  MATCH (c)-[a:ANCHORED_AT|WAS_ANCHORED_AT]->(i)
  RETURN collect([i.key, a.until, a.rev]) AS anchors
}
RETURN collect([c.id, c.created_at, anchors]) AS register
