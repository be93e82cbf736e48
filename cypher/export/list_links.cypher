// Purpose: Links of a space in the order of their ends, page by page.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.key: string – lower end of the last link of the page before, without space and slash; empty
//     at first
//   w.other: string – key of its higher end
//   w.most: integer
// Columns:
//   links: list of [a_key, b_key, first_seen, last_seen, times_seen, sources, proven]
MATCH (a:Identifier)
WHERE a.key >= $w.space + '/' + $w.key AND a.key < $w.space + '0' // which follows the slash
MATCH (a)-[l:OBSERVED_TOGETHER]->(b:Identifier)
WHERE a.key > $w.space + '/' + $w.key OR b.key > $w.other
WITH a.key AS a, b.key AS b, l ORDER BY a, b LIMIT $w.most
RETURN collect([a, b, l.first_seen, l.last_seen, l.times_seen, l.sources, l.proven IS NOT NULL]) AS links
