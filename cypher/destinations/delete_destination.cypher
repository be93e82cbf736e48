// Purpose: Delete a destination; what waits for it and what it holds is deleted page by page.
// Access: write
// Space: keys
// Parameters:
//   key: string
// Columns:
//   deleted: integer
MATCH (d:Destination {key: $key})
DETACH DELETE d
RETURN count(*) AS deleted
