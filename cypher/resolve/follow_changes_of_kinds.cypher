// Purpose: Changes of the given kinds in the order in which they were committed. Each kind is read
//   by itself in the order of an index, so that a rare one costs no more than a frequent one.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.kinds: list of kinds, each once
//   w.after: integer – position after which to begin
//   w.until: integer – position of the last change that may be read
//   w.most: integer
// Columns:
//   changes: list of [id, kind, at, customer_id, other_customer_id, identifiers, cause, policy_version,
//     position]
UNWIND $w.kinds AS kind
CALL (kind) {
  MATCH (x:Change {space: $w.space, kind: kind})
  WHERE $w.after < x.position <= $w.until
  RETURN x ORDER BY x.space, x.kind, x.position LIMIT $w.most
}
WITH x ORDER BY x.position LIMIT $w.most
RETURN collect([x.id, x.kind, x.at, x.customer_id, x.other_customer_id, x.identifiers, x.cause, x.policy_version, x.position]) AS changes
