// Purpose: The retired ids that each of some customers carries on, oldest first.
// Access: read
// Space: keys
// Parameters:
//   w.customers: list of [space, customer id]
// Columns:
//   previous: list of [space, customer id, list of ids]
UNWIND $w.customers AS asked
MATCH (c:Customer {id: asked[1]})
WHERE c.space = asked[0]
CALL (c) {
  MATCH (c)<-[:FORWARDS_TO]-(r:RetiredId)
  WITH r ORDER BY r.created_at, r.id
  RETURN collect(r.id) AS ids
}
RETURN collect([asked[0], asked[1], ids]) AS previous
