// Purpose: Forget some of the customers that wait for a destination.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.destination: string
//   w.most: integer
// Columns:
//   deleted: integer
MATCH (o:Outgoing {space: $w.space, destination: $w.destination})
WHERE o.due IS NOT NULL
WITH o LIMIT $w.most
DETACH DELETE o
RETURN count(*) AS deleted
