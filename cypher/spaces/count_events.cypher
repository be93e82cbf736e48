// Purpose: Events of a space.
// Access: read
// Space: parameter
// Parameters:
//   space: string
// Columns:
//   number: integer
MATCH (e:Event {space: $space})
WHERE e.at IS NOT NULL
RETURN count(*) AS number
