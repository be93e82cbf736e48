// Purpose: Changes of a space, oldest first, page by page.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.key: string – id of the last change of the page before
//   w.most: integer
// Columns:
//   changes: list of [id, kind, at, customer_id, other_customer_id, identifiers, cause, policy_version,
//     position]
MATCH (x:Change {space: $w.space})
WHERE x.id > $w.key
WITH x ORDER BY x.space, x.id LIMIT $w.most
RETURN collect([x.id, x.kind, x.at, x.customer_id, x.other_customer_id, x.identifiers, x.cause, x.policy_version, x.position]) AS changes
