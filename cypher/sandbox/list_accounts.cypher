// Purpose: Accounts of a space as they are stored, page by page.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.key: string – key of the last account of the page before, without space and slash; empty at first
//   w.most: integer
// Columns:
//   accounts: list of [labels, properties]
MATCH (a:Account)
WHERE a.key > $w.space + '/' + $w.key AND a.key < $w.space + '0' // which follows the slash
WITH a ORDER BY a.key LIMIT $w.most
RETURN collect([labels(a), properties(a)]) AS accounts
