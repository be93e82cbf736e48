// Purpose: What is known of customers beyond identifiers and traits: their profiles, and what they decided
//   about consent.
// Access: read
// Space: w.customers
// Parameters:
//   w.customers: list of [space, customer id]
//   w.consents: boolean – whether decisions are asked for
//   w.events: integer – most events of one customer, the newest, in which these are sought
// Columns:
//   customers: list of [id, values of its profile (JSON) or null, audiences or null, list of [at, context (JSON)]]
UNWIND $w.customers AS row
WITH row[0] AS space, row[1] AS id
MATCH (c:Customer {id: id})
WHERE c.space = space
OPTIONAL MATCH (p:Profile {customer_id: id})
CALL (c) {
  WITH c WHERE $w.consents
  MATCH (c)<-[:BELONGS_TO]-(:Identifier)<-[:ATTRIBUTED_TO]-(e:Event)
  WHERE e.context CONTAINS '"consent"'
  WITH e ORDER BY e.at DESC, e.received_at DESC, e.key DESC LIMIT $w.events
  RETURN collect([e.at, e.context]) AS decisions
}
RETURN collect([id, p.values, p.audiences, decisions]) AS customers
