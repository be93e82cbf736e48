// Purpose: Destinations of a space, by name.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.after: string – name of the last one of the page before
//   w.most: integer
// Columns:
//   destinations: list of properties
MATCH (d:Destination {space: $w.space})
WHERE d.name > $w.after
WITH d ORDER BY d.name LIMIT $w.most
RETURN collect(properties(d)) AS destinations
