// Purpose: Write events into a sandbox, with what they observe and name.
// Access: write
// Space: keys
// Parameters:
//   w.events: list of [labels, properties, key of the strongest identifier, keys of all identifiers,
//     keys of its accounts]
// Columns: none
UNWIND $w.events AS r
CREATE (e:$(r[0]))
SET e = r[1]
WITH e, r
CALL (e, r) {
  MATCH (i:Identifier {key: r[2]})
  CREATE (e)-[:ATTRIBUTED_TO]->(i)
}
CALL (e, r) {
  UNWIND r[3] AS key
  MATCH (i:Identifier {key: key})
  CREATE (e)-[:OBSERVED]->(i)
}
CALL (e, r) {
  UNWIND r[4] AS key
  MATCH (a:Account {key: key})
  CREATE (e)-[:NAMES]->(a)
}
