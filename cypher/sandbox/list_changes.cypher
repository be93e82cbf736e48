// Purpose: Changes of a space as they are stored, page by page.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.key: string – id of the last change of the page before
//   w.most: integer
// Columns:
//   nodes: list of [labels, properties]
MATCH (x:Change {space: $w.space})
WHERE x.id > $w.key
WITH x ORDER BY x.space, x.id LIMIT $w.most
RETURN collect([labels(x), properties(x)]) AS nodes
