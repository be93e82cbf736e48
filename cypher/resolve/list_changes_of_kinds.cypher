// Purpose: Changes of the given kinds, newest first. Each kind is read by itself in the order of an
//   index, so that a rare one costs no more than a frequent one.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.kinds: list of kinds, each once
//   w.before: integer – position of the last change of the page before
//   w.most: integer
// Columns:
//   changes: list of [id, kind, at, customer_id, other_customer_id, identifiers, cause, policy_version,
//     position]
UNWIND $w.kinds AS kind
CALL (kind) {
  MATCH (x:Change {space: $w.space, kind: kind})
  WHERE x.position < $w.before
  RETURN x ORDER BY x.space DESC, x.kind DESC, x.position DESC LIMIT $w.most
}
WITH x ORDER BY x.position DESC LIMIT $w.most
RETURN collect([x.id, x.kind, x.at, x.customer_id, x.other_customer_id, x.identifiers, x.cause, x.policy_version, x.position]) AS changes
