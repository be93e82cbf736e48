// Purpose: Changes of a space in the order in which they were committed.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.after: integer – position after which to begin
//   w.most: integer
// Columns:
//   changes: list of [id, kind, at, customer_id, other_customer_id, identifiers, cause, policy_version,
//     position]
MATCH (x:Change {space: $w.space})
WHERE x.position > $w.after
WITH x ORDER BY x.position LIMIT $w.most
RETURN collect([x.id, x.kind, x.at, x.customer_id, x.other_customer_id, x.identifiers, x.cause, x.policy_version, x.position]) AS changes
