// Purpose: Changes of memberships of an audience, newest first.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.audience: string
//   w.before: integer – position of the last change of the page before
//   w.most: integer
// Columns:
//   changes: list of [position, audience, version, customer id or null, account id or null, entered or left, at, cause,
//     what caused it or null, other customer or null, first, starts campaigns]
MATCH (m:MembershipChange)
WHERE m.space = $w.space AND m.audience = $w.audience AND m.position < $w.before
WITH m ORDER BY m.space DESC, m.audience DESC, m.position DESC LIMIT $w.most
RETURN collect([m.position, m.audience, m.audience_version, m.customer_id, m.account_id, m.change, m.at, m.cause, m.ref, m.from, m.first, m.starts_campaigns]) AS changes
