// Purpose: Events of a source in a space.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.source: string
// Columns:
//   number: integer
MATCH (e:Event {space: $w.space})
WHERE e.at IS NOT NULL AND e.source = $w.source
RETURN count(*) AS number
