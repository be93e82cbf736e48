// Purpose: Customers of a space in the order in which they were settled last, page by page.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.since: integer – when the last customer of the page before was settled
//   w.key: string – its id; empty for the first page, which begins at that time
//   w.most: integer
// Columns:
//   customers: list of [id, settled_at, keys of its identifiers]
MATCH (c:Customer {space: $w.space})
WHERE c.settled_at >= $w.since AND (c.settled_at > $w.since OR c.id > $w.key)
WITH c ORDER BY c.space, c.settled_at, c.id LIMIT $w.most
RETURN collect([c.id, c.settled_at, COLLECT { MATCH (c)<-[:BELONGS_TO]-(i:Identifier) RETURN i.key }]) AS customers
