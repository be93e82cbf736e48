// Purpose: The position of the newest change of a membership of a space.
// Access: read
// Space: parameter
// Parameters:
//   space: string
// Columns:
//   last_position: integer or null – null before the first change
MATCH (k:ProfileWork {space: $space})
RETURN k.last_position AS last_position
