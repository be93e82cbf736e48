// Purpose: Changes of memberships of a space in the order in which they were committed.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.after: integer – position after which to begin
//   w.most: integer
// Columns:
//   changes: list of [position, audience, version, customer id or null, account id or null, entered or left, at, cause,
//     what caused it or null, other customer or null, first, starts campaigns]
MATCH (m:MembershipChange)
WHERE m.space = $w.space AND m.position > $w.after
WITH m ORDER BY m.space, m.position LIMIT $w.most
RETURN collect([m.position, m.audience, m.audience_version, m.customer_id, m.account_id, m.change, m.at, m.cause, m.ref, m.from, m.first, m.starts_campaigns]) AS changes
