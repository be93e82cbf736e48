// Purpose: Links by their ends.
// Access: read
// Space: keys
// Parameters:
//   w.pairs: list of [a_key, b_key], the lower end first
// Columns:
//   links: list of [a_key, b_key, first_seen, last_seen, times_seen, sources]
UNWIND $w.pairs AS pair
MATCH (a:Identifier {key: pair[0]})
MATCH (b:Identifier {key: pair[1]})
OPTIONAL MATCH (a)-[l:OBSERVED_TOGETHER]->(b)
WITH a, b, l WHERE l IS NOT NULL
RETURN collect([a.key, b.key, l.first_seen, l.last_seen, l.times_seen, l.sources]) AS links
