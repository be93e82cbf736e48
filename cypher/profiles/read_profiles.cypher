// Purpose: Profiles of customers as they are stored, and whether something was touched since that they are
//   computed from.
// Access: read
// Space: w.customers
// Parameters:
//   w.customers: list of [space, customer id]
// Columns:
//   profiles: list of [space, customer id, version, values JSON, audiences, evaluated_at, due or null, ticks_at or null, touched]
UNWIND $w.customers AS row
WITH row[0] AS space, row[1] AS id
MATCH (p:Profile {customer_id: id})
WHERE p.space = space
MATCH (c:Customer {id: id})
WITH space, id, p, p.touched IS NOT NULL OR p.rev <> c.rev OR EXISTS {
  MATCH (c)<-[:BELONGS_TO]-(i:Identifier) WHERE i.touched IS NOT NULL
} AS touched
RETURN collect([space, id, p.version, p.values, p.audiences, p.evaluated_at, p.due, p.ticks_at, touched]) AS profiles
