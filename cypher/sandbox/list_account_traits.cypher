// Purpose: Sets of traits of accounts of a space as they are stored, in the order of their keys, page by page.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.key: string – key of the last set of the page before, without space and slash; empty at first
//   w.most: integer
//   w.bytes: integer – most bytes of the sets, though never less than one set
// Columns:
//   sets: list of [labels, properties, keys of the accounts that they describe]
MATCH (t:AccountTraits)
WHERE t.key > $w.space + '/' + $w.key AND t.key < $w.space + '0' // which follows the slash
WITH t ORDER BY t.key LIMIT $w.most
WITH collect(t) AS found, collect(size(t.traits)) AS sizes
WITH found, reduce(page = {rows: 0, bytes: 0}, bytes IN sizes |
  {rows: page.rows + CASE WHEN page.rows = 0 OR page.bytes + bytes <= $w.bytes THEN 1 ELSE 0 END, bytes: page.bytes + bytes}) AS page
UNWIND found[..page.rows] AS t
RETURN collect([labels(t), properties(t), COLLECT { MATCH (a:Account)-[:DESCRIBED_AS]->(t) RETURN a.key }]) AS sets
