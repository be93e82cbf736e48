// Purpose: The position of the newest change of a space.
// Access: read
// Space: parameter
// Parameters:
//   space: string
// Columns:
//   last_position: integer – 0 before the first change
MATCH (s:Space {name: $space})
RETURN s.last_position AS last_position
