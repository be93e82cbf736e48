// Purpose: Write into a sandbox who belongs to whom, and who carries on for retired ids.
// Access: write
// Space: keys
// Parameters:
//   w.belonging: list of [identifier key, customer id]
//   w.forwarded: list of [retired id, customer id]
// Columns: none
CALL () {
  UNWIND $w.belonging AS r
  MATCH (i:Identifier {key: r[0]})
  MATCH (c:Customer {id: r[1]})
  CREATE (i)-[:BELONGS_TO]->(c)
}
CALL () {
  UNWIND $w.forwarded AS r
  MATCH (o:RetiredId {id: r[0]})
  MATCH (c:Customer {id: r[1]})
  CREATE (o)-[:FORWARDS_TO]->(c)
}
