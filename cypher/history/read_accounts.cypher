// Purpose: Accounts, with every set of their traits in the events received until a moment.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of account keys
//   w.at: integer – the moment, inclusive
//   w.most: integer – most sets of traits of one account, the newest
//   w.bytes: integer – most bytes of the sets of one account, though never less than one set
// Columns:
//   accounts: list of [account key, account_id, list of [[last_seen, received_at, place], traits JSON]]
UNWIND $w.keys AS key
MATCH (a:Account {key: key})
CALL (a) {
  MATCH (a)-[:DESCRIBED_AS]->(d:AccountTraits)
  MATCH (d)<-[:TOLD]-(e:Event)
  WHERE e.received_at <= $w.at AND NOT EXISTS {
    MATCH (r:Retraction {space: e.space, source: e.source})
    WHERE r.from <= e.received_at < r.until AND r.made_at <= $w.at AND coalesce(r.withdrawn_at > $w.at, true)
  }
  WITH d, max([e.at, e.received_at, coalesce(e.place, 0)]) AS last_reported
  ORDER BY last_reported DESC, d.key LIMIT $w.most
  WITH collect(last_reported) AS times, collect(d.traits) AS sets
  WITH times, sets, reduce(page = {rows: 0, bytes: 0}, traits IN sets |
    {rows: page.rows + CASE WHEN page.rows = 0 OR page.bytes + size(traits) <= $w.bytes THEN 1 ELSE 0 END, bytes: page.bytes + size(traits)}) AS page
  RETURN [n IN range(0, page.rows - 1) | [times[n], sets[n]]] AS described
}
RETURN collect([key, a.account_id, described]) AS accounts
