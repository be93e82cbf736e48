// Purpose: Changes that a customer had a part in, newest first.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.customer: string – customer id
//   w.before: string – id of the last change of the page before
//   w.most: integer
// Columns:
//   changes: list of [id, kind, at, customer_id, other_customer_id, identifiers, cause, policy_version]
CALL () {
  MATCH (x:Change {customer_id: $w.customer}) RETURN x
  UNION
  MATCH (x:Change {other_customer_id: $w.customer}) RETURN x
}
WITH x
WHERE x.space = $w.space AND x.id < $w.before
ORDER BY x.id DESC LIMIT $w.most
RETURN collect([x.id, x.kind, x.at, x.customer_id, x.other_customer_id, x.identifiers, x.cause, x.policy_version]) AS changes
