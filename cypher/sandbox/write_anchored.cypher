// Purpose: Write customers and retired ids into a sandbox, where their identifiers are. One that is
//   there already stays as it is: its anchor moved while it was copied.
// Access: write
// Space: keys
// Parameters:
//   w.anchored: list of [labels, properties, identifier key]
// Columns: none
UNWIND $w.anchored AS r
OPTIONAL MATCH (customer:Customer {id: r[1].id})
OPTIONAL MATCH (retired:RetiredId {id: r[1].id})
WITH r, customer, retired
WHERE customer IS NULL AND retired IS NULL
MATCH (i:Identifier {key: r[2]})
CREATE (c:$(r[0]))-[:ANCHORED_AT]->(i)
SET c = r[1]
