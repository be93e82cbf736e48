// Purpose: Customers with the types of their identifiers, and their events with the identifiers to which these
//   are attributed.
// Access: read
// Space: w.customers
// Parameters:
//   w.customers: list of [space, customer id]
//   w.most: integer – most events of one customer
// Columns:
//   customers: list of [space, customer id, kind, types of its identifiers,
//     list of [event key, identifier key]]
UNWIND $w.customers AS row
WITH row[0] AS space, row[1] AS id
MATCH (c:Customer {id: id})
WHERE c.space = space
CALL (c) {
  MATCH (c)<-[:BELONGS_TO]-(i:Identifier)
  RETURN collect(DISTINCT i.type) AS types
}
CALL (c) {
  MATCH (c)<-[:BELONGS_TO]-(i:Identifier)<-[:ATTRIBUTED_TO]-(e:Event)
  WITH e, i LIMIT $w.most
  RETURN collect([e.key, i.key]) AS events
}
RETURN collect([space, id, c.kind, types, events]) AS customers
