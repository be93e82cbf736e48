// Purpose: Forget some of the events of a destination.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.destination: string
//   w.most: integer
// Columns:
//   deleted: integer
MATCH (o:OutgoingEvent {space: $w.space, destination: $w.destination})
WHERE o.state IS NOT NULL AND o.key IS NOT NULL
WITH o LIMIT $w.most
DETACH DELETE o
RETURN count(*) AS deleted
