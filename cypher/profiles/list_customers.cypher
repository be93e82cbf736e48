// Purpose: Customers of a space in the order in which they were settled last, page by page.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.since: integer – when the last customer of the page before was settled
//   w.key: string – its id; empty for the first page, which begins at that time
//   w.most: integer
// Columns:
//   position: integer – of the last change in the ledger
//   customers: list of [id, settled_at]
MATCH (s:Space {name: $w.space})
CALL (s) {
  MATCH (c:Customer) WHERE c.space = s.name AND c.settled_at >= $w.since AND (c.settled_at > $w.since OR c.id > $w.key)
  WITH c ORDER BY c.space, c.settled_at, c.id LIMIT $w.most
  RETURN collect([c.id, c.settled_at]) AS customers
}
RETURN coalesce(s.last_position, 0) AS position, customers
