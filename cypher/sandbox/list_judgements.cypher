// Purpose: Judgements of a space as they are stored, page by page.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.key: string – id of the last judgement of the page before
//   w.most: integer
// Columns:
//   nodes: list of [labels, properties]
MATCH (j:Judgement {space: $w.space})
WHERE j.id > $w.key
WITH j ORDER BY j.space, j.id LIMIT $w.most
RETURN collect([labels(j), properties(j)]) AS nodes
