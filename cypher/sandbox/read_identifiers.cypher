// Purpose: Identifiers as they are stored, the ids that are anchored at them, and what was judged.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of identifier keys
// Columns:
//   identifiers: list of [labels, properties]
//   anchored: list of [labels, properties, identifier key]: customers and retired ids
//   judged: list of [a_key, b_key, type, properties]
UNWIND $w.keys AS key
MATCH (i:Identifier {key: key})
WITH collect(i) AS found
CALL (found) {
  UNWIND found AS i
  MATCH (i)<-[:ANCHORED_AT]-(c:Customer|RetiredId)
  RETURN collect([labels(c), properties(c), i.key]) AS anchored
}
CALL (found) {
  UNWIND found AS i
  MATCH (i)-[j:JUDGED_SAME|JUDGED_APART]->(other:Identifier)
  RETURN collect([i.key, other.key, type(j), properties(j)]) AS judged
}
RETURN [i IN found | [labels(i), properties(i)]] AS identifiers, anchored, judged
