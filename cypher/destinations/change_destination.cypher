// Purpose: Set properties of a destination; those that are null are removed.
// Access: write
// Space: keys
// Parameters:
//   w.key: string
//   w.changes: map
// Columns:
//   destination: map of its properties
MATCH (d:Destination {key: $w.key})
SET d += $w.changes
RETURN properties(d) AS destination
