// Purpose: Retractions of a space as they are stored, page by page.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.key: string – id of the last retraction of the page before
//   w.most: integer
// Columns:
//   nodes: list of [labels, properties]
MATCH (r:Retraction {space: $w.space})
WHERE r.id > $w.key
WITH r ORDER BY r.space, r.id LIMIT $w.most
RETURN collect([labels(r), properties(r)]) AS nodes
