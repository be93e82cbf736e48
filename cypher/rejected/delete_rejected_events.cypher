// Purpose: Delete some rejected events of a space.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.ids: list of rejected events' ids
// Columns:
//   deleted: integer – how many of them there were
MATCH (r:RejectedEvent {space: $w.space})
WHERE r.id IN $w.ids
DELETE r
RETURN count(*) AS deleted
