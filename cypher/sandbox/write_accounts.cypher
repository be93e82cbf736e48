// Purpose: Write accounts with what was told of them into a sandbox.
// Access: write
// Space: keys
// Parameters:
//   w.accounts: list of [properties, list of the properties of its traits]
// Columns: none
UNWIND $w.accounts AS r
CREATE (a:Account)
SET a = r[0]
WITH a, r
UNWIND r[1] AS told
CREATE (a)-[:DESCRIBED_AS]->(t:AccountTraits)
SET t = told
