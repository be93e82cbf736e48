// Purpose: Steps of the retractions of a space as they are stored, page by page.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.id: string – retraction of the last step of the page before
//   w.number: integer – number of that step
//   w.most: integer
// Columns:
//   nodes: list of [labels, properties]
MATCH (t:RetractionStep {space: $w.space})
WHERE t.retraction >= $w.id AND t.number > 0 AND (t.retraction > $w.id OR t.number > $w.number)
WITH t ORDER BY t.space, t.retraction, t.number LIMIT $w.most
RETURN collect([labels(t), properties(t)]) AS nodes
