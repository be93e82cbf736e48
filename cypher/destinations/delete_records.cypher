// Purpose: Forget some of what a destination holds.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.destination: string
//   w.most: integer
// Columns:
//   deleted: integer
MATCH (r:OutgoingRecord {space: $w.space, destination: $w.destination})
WHERE r.state IS NOT NULL AND r.key IS NOT NULL
WITH r LIMIT $w.most
DETACH DELETE r
RETURN count(*) AS deleted
