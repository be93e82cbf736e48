// Purpose: Super-connectors, those with most links first.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.links: integer – links of the last one of the page before
//   w.key: string – its key
//   w.most: integer
// Columns:
//   identifiers: list of [links, key]
MATCH (i:SuperConnector {space: $w.space})
WITH i, COUNT { (i)-[:OBSERVED_TOGETHER]-() } AS links
WHERE links < $w.links OR (links = $w.links AND i.key > $w.key)
WITH i, links ORDER BY links DESC, i.key LIMIT $w.most
RETURN collect([links, i.key]) AS identifiers
