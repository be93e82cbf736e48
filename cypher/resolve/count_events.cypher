// Purpose: How many events each of the given customers has.
// Access: read
// Space: keys
// Parameters:
//   w.customers: list of [space, customer id]
// Columns:
//   counts: list of [space, customer id, count]
UNWIND $w.customers AS row
WITH row[0] AS space, row[1] AS id
MATCH (c:Customer {id: id})
WHERE c.space = space
RETURN collect([space, id, COUNT { (c)<-[:BELONGS_TO]-(:Identifier)<-[:ATTRIBUTED_TO]-() }]) AS counts
