// Purpose: Changes that name a customer, newest first.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.customer: string – customer id
//   w.before: integer – position of the last change of the page before
//   w.until: integer – last moment, inclusive
//   w.most: integer
// Columns:
//   changes: list of [id, kind, at, customer_id, other_customer_id, identifiers, cause, policy_version,
//     position]
CALL () {
  MATCH (x:Change {customer_id: $w.customer}) RETURN x
  UNION
  MATCH (x:Change {other_customer_id: $w.customer}) RETURN x
}
WITH x
WHERE x.space = $w.space AND x.position < $w.before AND x.at <= $w.until
ORDER BY x.position DESC LIMIT $w.most
RETURN collect([x.id, x.kind, x.at, x.customer_id, x.other_customer_id, x.identifiers, x.cause, x.policy_version, x.position]) AS changes
