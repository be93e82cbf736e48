// Purpose: Links by their ends.
// Access: read
// Space: keys
// Parameters:
//   w.pairs: list of [a_key, b_key], the lower end first
// Columns:
//   links: list of [a_key, b_key, first_seen, last_seen, times_seen, sources, proven]
UNWIND $w.pairs AS row
WITH row[0] AS a_key, row[1] AS b_key
MATCH (a:Identifier {key: a_key})
MATCH (b:Identifier {key: b_key})
OPTIONAL MATCH (a)-[l:OBSERVED_TOGETHER]->(b)
WITH a, b, l WHERE l IS NOT NULL
RETURN collect([a.key, b.key, l.first_seen, l.last_seen, l.times_seen, l.sources, l.proven IS NOT NULL]) AS links
