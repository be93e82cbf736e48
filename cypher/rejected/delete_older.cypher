// Purpose: Delete the oldest rejected events of a space, up to one of them.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.until: string – id of the newest one that is deleted
//   w.most: integer
// Columns:
//   deleted: integer
MATCH (r:RejectedEvent {space: $w.space})
WHERE r.id <= $w.until
WITH r ORDER BY r.id LIMIT $w.most
DELETE r
RETURN count(*) AS deleted
