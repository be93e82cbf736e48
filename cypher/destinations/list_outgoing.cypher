// Purpose: Customers that are due at a destination.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.destination: string
//   w.now: integer
//   w.most: integer
// Columns:
//   customers: list of ids, the first that were due first
MATCH (o:Outgoing {space: $w.space, destination: $w.destination})
WHERE o.due <= $w.now
WITH o ORDER BY o.space, o.destination, o.due LIMIT $w.most
RETURN collect(o.customer_id) AS customers
