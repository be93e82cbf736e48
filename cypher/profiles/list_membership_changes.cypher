// Purpose: All changes of memberships of a space in the order in which they were committed, page by page.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.after: position after which to begin
//   w.most: integer
// Columns:
//   changes: list of [position, audience, customer id or null, account id or null, entered or left]
MATCH (m:MembershipChange)
WHERE m.space = $w.space AND m.position > $w.after
WITH m ORDER BY m.space, m.position LIMIT $w.most
RETURN collect([m.position, m.audience, m.customer_id, m.account_id, m.change]) AS changes
