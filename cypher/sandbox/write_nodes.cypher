// Purpose: Write nodes into a sandbox.
// Access: write
// Space: keys
// Parameters:
//   w.nodes: list of [labels, properties]
// Columns: none
UNWIND $w.nodes AS r
CREATE (n:$(r[0]))
SET n = r[1]
