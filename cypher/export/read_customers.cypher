// Purpose: Customers with the numbers and times of their identifiers and events.
// Access: read
// Space: w.customers
// Parameters:
//   w.customers: list of [space, customer id]
// Columns:
//   customers: list of [id, kind, created_at, policy_version, number of identifiers, number of events,
//     first_seen, last_seen]
UNWIND $w.customers AS row
WITH row[0] AS space, row[1] AS id
MATCH (c:Customer {id: id})
WHERE c.space = space
CALL (c) {
  MATCH (c)<-[:BELONGS_TO]-(i:Identifier)
  RETURN count(i) AS identifiers, sum(COUNT { (i)<-[:ATTRIBUTED_TO]-() }) AS events,
    min(i.first_seen) AS first_seen, max(i.last_seen) AS last_seen
}
RETURN collect([c.id, c.kind, c.created_at, c.policy_version, identifiers, events, first_seen, last_seen]) AS customers
