// Purpose: How many events each of some customers has.
// Access: read
// Space: keys
// Parameters:
//   w.customers: list of [space, customer id]
// Columns:
//   counts: list of [space, customer id, count]
UNWIND $w.customers AS asked
MATCH (c:Customer {id: asked[1]})
WHERE c.space = asked[0]
RETURN collect([asked[0], asked[1], COUNT { (c)<-[:BELONGS_TO]-(:Identifier)<-[:ATTRIBUTED_TO]-() }]) AS counts
