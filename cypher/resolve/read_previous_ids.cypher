// Purpose: The retired ids that forward to each of the given customers, oldest first.
// Access: read
// Space: keys
// Parameters:
//   w.customers: list of [space, customer id]
// Columns:
//   previous: list of [space, customer id, list of ids]
UNWIND $w.customers AS row
WITH row[0] AS space, row[1] AS id
MATCH (c:Customer {id: id})
WHERE c.space = space
CALL (c) {
  MATCH (c)<-[:FORWARDS_TO]-(r:RetiredId)
  WITH r ORDER BY r.created_at, r.id
  RETURN collect(r.id) AS ids
}
RETURN collect([space, id, ids]) AS previous
