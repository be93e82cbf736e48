// Purpose: Whether the database answers.
// Access: read
// Space: instance
// Parameters: none
// Columns:
//   pong: integer
RETURN 1 AS pong
