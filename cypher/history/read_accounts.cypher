// Purpose: Accounts, with every set of their traits in the events received until a moment.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of account keys
//   w.at: integer – the moment, inclusive
//   w.most: integer – most sets of traits of one account, the newest
// Columns:
//   accounts: list of [account key, account_id, list of [last_seen, traits JSON]]
UNWIND $w.keys AS key
MATCH (a:Account {key: key})
CALL (a) {
  MATCH (a)-[:DESCRIBED_AS]->(d:AccountTraits)
  MATCH (d)<-[:TOLD]-(e:Event) WHERE e.received_at <= $w.at
  WITH d, max(e.at) AS last_seen
  ORDER BY last_seen DESC, d.key LIMIT $w.most
  RETURN collect([last_seen, d.traits]) AS described
}
RETURN collect([key, a.account_id, described]) AS accounts
