// Purpose: Keys of all identifiers of a space that judgements took from every event that carried them, in
//   their order, page by page.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.key: string – the last key of the page before, without space and slash; empty at first
//   w.most: integer
// Columns:
//   keys: list of keys
MATCH (i:UnseenIdentifier)
WHERE i.key > $w.space + '/' + $w.key AND i.key < $w.space + '0' // which follows the slash
WITH i.key AS key ORDER BY key LIMIT $w.most
RETURN collect(key) AS keys
