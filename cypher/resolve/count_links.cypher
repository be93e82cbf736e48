// Purpose: How many distinct identifiers were observed with each of the given ones, without those
//   that the policy blocks.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of identifier keys
// Columns:
//   counts: list of [key, count], only identifiers that exist
UNWIND $w.keys AS key
MATCH (i:Identifier {key: key})
RETURN collect([key, COUNT { (i)-[:OBSERVED_TOGETHER]-(n:Identifier) WHERE NOT n:Blocked }]) AS counts
