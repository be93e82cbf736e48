// Purpose: The traits that the newest events of the given customers carry, and those of the accounts that
//   the events name.
// Access: read
// Space: keys
// Parameters:
//   w.customers: list of [space, customer id]
//   w.most: integer – most events of one customer, the newest
// Columns:
//   traits: list of [space, customer id, events, accounts]; events are lists of [[at, received_at,
//     place, key], source, traits JSON or null, context traits JSON or null, account keys,
//     [key, type, value, first_seen, last_seen, contested, super-connector]];
//     accounts are lists of [account key, traits JSON]
UNWIND $w.customers AS row
WITH row[0] AS space, row[1] AS id
MATCH (c:Customer {id: id})
WHERE c.space = space
CALL (c) {
  MATCH (c)<-[:BELONGS_TO]-(i:Identifier)<-[:ATTRIBUTED_TO]-(e:CarriesTraits)
  WITH e, i ORDER BY e.at DESC, e.received_at DESC, coalesce(e.place, 0) DESC, e.key DESC LIMIT $w.most
  RETURN collect([
    [e.at, e.received_at, coalesce(e.place, 0), e.key], e.source, e.traits, e.context_traits, COLLECT { MATCH (e)-[:NAMES]->(a:Account) RETURN a.key },
    [i.key, i.type, i.value, i.first_seen, i.last_seen, i:Contested, i:SuperConnector]
  ]) AS events
}
CALL (events) {
  UNWIND events AS row
  WITH row[4] AS account_keys
  UNWIND account_keys AS key
  WITH DISTINCT key
  MATCH (:Account {key: key})-[:DESCRIBED_AS]->(d:AccountTraits)
  RETURN collect([key, d.traits]) AS accounts
}
RETURN collect([space, id, events, accounts]) AS traits
