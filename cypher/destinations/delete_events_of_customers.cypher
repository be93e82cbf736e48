// Purpose: Forget some of the events of customers at the destinations of a space.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.customers: list of customer ids
//   w.most: integer
// Columns:
//   deleted: integer
UNWIND $w.customers AS id
MATCH (o:OutgoingEvent {space: $w.space, customer_id: id})
WHERE o.state IS NOT NULL
WITH o LIMIT $w.most
DETACH DELETE o
RETURN count(*) AS deleted
