// Purpose: Write links and judged relationships into a sandbox.
// Access: write
// Space: keys
// Parameters:
//   w.links: list of [a_key, b_key, type, properties]
// Columns: none
UNWIND $w.links AS r
MATCH (a:Identifier {key: r[0]})
MATCH (b:Identifier {key: r[1]})
CREATE (a)-[l:$(r[2])]->(b)
SET l = r[3]
