// Purpose: Members of an audience by their ids, page by page.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.audience: string – as it stands in keys of memberships
//   w.after: string – the last id of the page before; empty at first
//   w.most: integer
// Columns:
//   members: list of [customer id or null, account id or null, since]
MATCH (m:Membership)
WHERE m.key > $w.space + '/' + $w.audience + '/' + $w.after AND m.key < $w.space + '/' + $w.audience + '0' // which follows the slash
WITH m ORDER BY m.key LIMIT $w.most
RETURN collect([m.customer_id, m.account_id, m.since]) AS members
