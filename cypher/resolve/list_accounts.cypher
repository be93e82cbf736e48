// Purpose: The accounts that events of a customer name, with every set of their traits.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.customer: string – customer id
//   w.most: integer – most accounts, by account id; and most sets of one account, the newest
// Columns:
//   accounts: list of [account_id, list of [last_seen, traits JSON]]
MATCH (c:Customer {id: $w.customer})
WHERE c.space = $w.space
MATCH (c)<-[:BELONGS_TO]-(:Identifier)<-[:ATTRIBUTED_TO]-(:Event)-[:NAMES]->(a:Account)
WITH DISTINCT a
ORDER BY a.account_id LIMIT $w.most
CALL (a) {
  MATCH (a)-[:DESCRIBED_AS]->(d:AccountTraits)
  WITH d ORDER BY d.last_seen DESC, d.key LIMIT $w.most
  RETURN collect([d.last_seen, d.traits]) AS described
}
RETURN collect([a.account_id, described]) AS accounts
