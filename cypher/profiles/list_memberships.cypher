// Purpose: All memberships of a space, audience by audience, page by page.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.key: string – key of the last membership of the page before, without space and slash; empty at first
//   w.most: integer
// Columns:
//   memberships: list of [key, audience, customer id or null, account id or null]
MATCH (m:Membership)
WHERE m.key > $w.space + '/' + $w.key AND m.key < $w.space + '0' // which follows the slash
WITH m ORDER BY m.key LIMIT $w.most
RETURN collect([m.key, m.audience, m.customer_id, m.account_id]) AS memberships
