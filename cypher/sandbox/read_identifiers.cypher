// Purpose: Identifiers as they are stored, unseen ones too, with their customers and their judgements; and the ids of
//   these customers and of all that are anchored at the identifiers, as the id register has them.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of identifier keys
// Columns:
//   identifiers: list of [labels, properties]
//   belonging: list of [identifier key, customer id]
//   judged: list of [a_key, b_key, type, properties]
//   ids: list of [labels, properties, anchor, former anchors, successor]; each of the last three is a
//     list of [key or id, properties of the relationship]
UNWIND $w.keys AS key
MATCH (i:Identifier|UnseenIdentifier {key: key})
WITH collect(i) AS found
CALL (found) {
  UNWIND found AS i
  MATCH (i)-[:BELONGS_TO]->(c:Customer)
  RETURN collect([i.key, c.id]) AS belonging, collect(DISTINCT c) AS carriers
}
CALL (found) {
  UNWIND found AS i
  MATCH (i)<-[:ANCHORED_AT]-(c:Customer|RetiredId)
  RETURN collect(c) AS anchored
}
CALL (found) {
  UNWIND found AS i
  MATCH (i)-[j:JUDGED_SAME|JUDGED_APART]->(other:Identifier)
  RETURN collect([i.key, other.key, type(j), properties(j)]) AS judged
}
CALL (carriers, anchored) {
  UNWIND carriers + anchored AS c
  WITH DISTINCT c
  RETURN collect([
    labels(c), properties(c),
    COLLECT { MATCH (c)-[at:ANCHORED_AT]->(a) RETURN [a.key, properties(at)] },
    COLLECT { MATCH (c)-[was:WAS_ANCHORED_AT]->(a) RETURN [a.key, properties(was)] },
    COLLECT { MATCH (c)-[to:FORWARDS_TO]->(successor:Customer) RETURN [successor.id, properties(to)] }
  ]) AS ids
}
RETURN [i IN found | [labels(i), properties(i)]] AS identifiers, belonging, judged, ids
