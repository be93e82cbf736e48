// Purpose: The first customers of a space, in the order of a sync.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.most: integer
// Columns:
//   customers: list of ids
MATCH (c:Customer {space: $w.space})
WHERE c.settled_at >= -9007199254740992
WITH c ORDER BY c.space, c.settled_at, c.id LIMIT $w.most
RETURN collect(c.id) AS customers
