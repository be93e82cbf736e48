// Purpose: Events of customers with all that profiles are computed from, page by page.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.customers: list of customer ids, in order
//   w.limited: list of limited sources
//   w.key: string – key of the last event of the page before, which is of the first customer; empty at
//     first
//   w.most: integer
//   w.bytes: integer – most bytes of the events, though never less than one event
// Columns:
//   events: list of [customer id, at, received_at, place, key, message_id, type, step, name, properties JSON, traits JSON
//     or null, context traits JSON or null, source, channel, limited and without a proof, account id, key of the account]
//   found: integer – how many there are, at most `w.most`, also those that do not fit
//   accounts: list of [account key, list of sets of traits JSON], of the accounts that events with traits name
UNWIND range(0, size($w.customers) - 1) AS n
WITH n, $w.customers[n] AS id
MATCH (c:Customer {id: id}) WHERE c.space = $w.space
MATCH (c)<-[:BELONGS_TO]-(:Identifier)<-[:ATTRIBUTED_TO]-(e:Event) WHERE n > 0 OR e.key > $w.key
WITH id, e ORDER BY id, e.key LIMIT $w.most
WITH collect(id) AS ids, collect(e) AS found, collect(coalesce(e.stored_bytes, size(e.properties) + size(coalesce(e.traits, '')) + size(coalesce(e.context_traits, '')))) AS sizes
WITH ids, found, reduce(page = {rows: 0, bytes: 0}, bytes IN sizes |
  {rows: page.rows + CASE WHEN page.rows = 0 OR page.bytes + bytes <= $w.bytes THEN 1 ELSE 0 END, bytes: page.bytes + bytes}) AS page
CALL (ids, found, page) {
  UNWIND range(0, page.rows - 1) AS n
  WITH ids[n] AS id, found[n] AS event
  OPTIONAL MATCH (event)-[:NAMES]->(a:Account)
  // All properties in one reading, where each by itself is looked for from the first one on.
  WITH id, properties(event) AS e, a
  RETURN collect([id, e.at, e.received_at, coalesce(e.place, 0), e.key, e.message_id, e.type, e.step, e.name, e.properties,
      e.traits, e.context_traits, e.source, e.channel, e.proven IS NULL AND e.source IN $w.limited, a.account_id, a.key]) AS events,
    collect(DISTINCT CASE WHEN e.context_traits IS NOT NULL THEN a END) AS named
}
CALL (named) {
  UNWIND named AS a
  RETURN collect([a.key, COLLECT {
    MATCH (a)-[:DESCRIBED_AS]->(d:AccountTraits) WHERE d.last_seen IS NOT NULL
    RETURN d.traits ORDER BY d.last_seen DESC, d.key LIMIT 100
  }]) AS accounts
}
RETURN events, size(found) AS found, accounts
