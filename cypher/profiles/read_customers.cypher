// Purpose: Customers as their profiles are computed from them, without their events, and what is stored of
//   each. Revisions are read before what they guard.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.customers: list of customer ids
// Columns:
//   customers: list of [id, kind, rev, created_at, types of its identifiers, number of its events]
//   profiles: list of [customer id, version, values, audiences, evaluated_at, due, position, rev, mark, accounts or null,
//     traits that it is found by as JSON or null]
CALL () {
  UNWIND $w.customers AS id
  MATCH (c:Customer {id: id}) WHERE c.space = $w.space
  WITH c, c.rev AS rev
  CALL (c) {
    MATCH (c)<-[:BELONGS_TO]-(i:Identifier)
    RETURN collect(DISTINCT i.type) AS types, sum(COUNT { (i)<-[:ATTRIBUTED_TO]-() }) AS events
  }
  RETURN collect([c.id, c.kind, rev, c.created_at, types, events]) AS customers
}
CALL () {
  UNWIND $w.customers AS id
  MATCH (p:Profile {customer_id: id}) WHERE p.space = $w.space
  RETURN collect([p.customer_id, p.version, p.values, p.audiences, p.evaluated_at, p.due, p.position, p.rev, p.touched, p.accounts, p.searched]) AS profiles
}
RETURN customers, profiles
