// Purpose: The sources of the given links.
// Access: read
// Space: keys
// Parameters:
//   w.links: list of [key, key] – both ends, in either order
// Columns:
//   links: list of [key, key, sources] – in the order of w.links; only those that exist
UNWIND $w.links AS row
WITH row[0] AS a_key, row[1] AS b_key
MATCH (a:Identifier {key: a_key})
MATCH (b:Identifier {key: b_key})
OPTIONAL MATCH (a)-[l:OBSERVED_TOGETHER]-(b)
WITH a_key, b_key, l WHERE l IS NOT NULL
RETURN collect([a_key, b_key, l.sources]) AS links
