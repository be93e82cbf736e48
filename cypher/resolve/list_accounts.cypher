// Purpose: The accounts that events of a customer name, with every set of their traits.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.customer: string – customer id
//   w.most: integer – most accounts, by account id; and most sets of one account, the newest
//   w.bytes: integer – most bytes of the sets of one account, though never less than one set
// Columns:
//   accounts: list of [account_id, list of [[last_seen, received_at, place], traits JSON]]
MATCH (c:Customer {id: $w.customer})
WHERE c.space = $w.space
MATCH (c)<-[:BELONGS_TO]-(:Identifier)<-[:ATTRIBUTED_TO]-(:Event)-[:NAMES]->(a:Account)
WITH DISTINCT a
ORDER BY a.account_id LIMIT $w.most
CALL (a) {
  MATCH (a)-[:DESCRIBED_AS]->(d:AccountTraits) WHERE d.last_seen IS NOT NULL
  WITH d, [d.last_seen, coalesce(d.last_received_at, 0), coalesce(d.last_place, 0)] AS last_reported
  ORDER BY last_reported DESC, d.key LIMIT $w.most
  WITH collect(last_reported) AS times, collect(d.traits) AS sets
  WITH times, sets, reduce(page = {rows: 0, bytes: 0}, traits IN sets |
    {rows: page.rows + CASE WHEN page.rows = 0 OR page.bytes + size(traits) <= $w.bytes THEN 1 ELSE 0 END, bytes: page.bytes + size(traits)}) AS page
  RETURN [n IN range(0, page.rows - 1) | [times[n], sets[n]]] AS described
}
RETURN collect([a.account_id, described]) AS accounts
