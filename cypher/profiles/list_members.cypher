// Purpose: The customers that belong to accounts: those of whom an event names the account.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of account keys
//   w.most: integer – most members of one account, by customer id
// Columns:
//   accounts: list of [account key, account_id, list of [customer id, rev]]
UNWIND $w.keys AS key
MATCH (a:Account {key: key})
CALL (a) {
  MATCH (a)<-[:NAMES]-(:Event)-[:ATTRIBUTED_TO]->(:Identifier)-[:BELONGS_TO]->(c:Customer)
  WITH DISTINCT c ORDER BY c.id LIMIT $w.most
  RETURN collect([c.id, c.rev]) AS members
}
RETURN collect([key, a.account_id, members]) AS accounts
