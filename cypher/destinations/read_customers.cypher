// Purpose: What is known of customers beyond identifiers and traits: their profiles, and what they decided
//   about consent.
// Access: read
// Space: w.customers
// Parameters:
//   w.customers: list of [space, customer id]
//   w.consents: boolean – whether decisions are asked for
//   w.named: string – the name of events that tell them
//   w.events: integer – most of these of one customer, the newest
// Columns:
//   customers: list of [id, values of its profile (JSON) or null, audiences or null,
//     list of [at, received_at, place, key, message id, type, properties (JSON)]]
UNWIND $w.customers AS row
WITH row[0] AS space, row[1] AS id
MATCH (c:Customer {id: id})
WHERE c.space = space
OPTIONAL MATCH (p:Profile {customer_id: id})
CALL (c) {
  WITH c WHERE $w.consents
  MATCH (c)<-[:BELONGS_TO]-(:Identifier)<-[:ATTRIBUTED_TO]-(e:Event)
  WHERE e.name = $w.named
  WITH e ORDER BY e.at DESC, e.received_at DESC, e.key DESC LIMIT $w.events
  RETURN collect([e.at, e.received_at, coalesce(e.place, 0), e.key, e.message_id, e.type, e.properties]) AS decisions
}
RETURN collect([id, p.values, p.audiences, decisions]) AS customers
