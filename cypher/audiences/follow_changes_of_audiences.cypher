// Purpose: Changes of memberships of some audiences in the order in which they were committed.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.audiences: list of names
//   w.after: integer – position after which to begin
//   w.until: integer – position up to which, inclusive
//   w.most: integer
// Columns:
//   changes: list of [position, audience, version, customer id or null, account id or null, entered or left, at, cause,
//     what caused it or null, other customer or null, first, starts campaigns]
UNWIND $w.audiences AS audience
CALL (audience) {
  MATCH (m:MembershipChange)
  WHERE m.space = $w.space AND m.audience = audience AND m.position > $w.after AND m.position <= $w.until
  WITH m ORDER BY m.space, m.audience, m.position LIMIT $w.most
  RETURN m
}
WITH m ORDER BY m.position LIMIT $w.most
RETURN collect([m.position, m.audience, m.audience_version, m.customer_id, m.account_id, m.change, m.at, m.cause, m.ref, m.from, m.first, m.starts_campaigns]) AS changes
