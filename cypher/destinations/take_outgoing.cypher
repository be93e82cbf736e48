// Purpose: Take up customers that are due at a destination. Who is marked again meanwhile is due again.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.destination: string
//   w.now: integer
//   w.until: integer – when they are due again if nothing comes of it
//   w.most: integer
// Columns:
//   customers: list of ids, the first that were due first
MATCH (o:Outgoing {space: $w.space, destination: $w.destination})
WHERE o.due <= $w.now
WITH o ORDER BY o.space, o.destination, o.due LIMIT $w.most
SET o.due = $w.until
RETURN collect(o.customer_id) AS customers
