// Purpose: Customers of a space in the order in which they were settled last, page by page, each with what is stored of
//   its values. Revisions are read before what they guard.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.since: integer – when the last customer of the page before was settled
//   w.key: string – its id; empty for the first page, which begins at that time
//   w.most: integer
// Columns:
//   customers: list of [id, settled_at, rev, list of [property of its profile that holds a value, value]]
MATCH (c:Customer)
WHERE c.space = $w.space AND c.settled_at >= $w.since AND (c.settled_at > $w.since OR c.id > $w.key)
WITH c, c.rev AS rev ORDER BY c.space, c.settled_at, c.id LIMIT $w.most
OPTIONAL MATCH (p:Profile {customer_id: c.id})
RETURN collect([c.id, c.settled_at, rev, [name IN coalesce(keys(p), []) WHERE name STARTS WITH 'f_' | [name, p[name]]]]) AS customers
