// Purpose: Changes of a space, newest first.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.kinds: list of kinds, or null for all
//   w.before: string – id of the last change of the page before
//   w.most: integer
// Columns:
//   changes: list of [id, kind, at, customer_id, other_customer_id, identifiers, cause, policy_version]
MATCH (x:Change {space: $w.space})
WHERE x.id < $w.before AND ($w.kinds IS NULL OR x.kind IN $w.kinds)
WITH x ORDER BY x.id DESC LIMIT $w.most
RETURN collect([x.id, x.kind, x.at, x.customer_id, x.other_customer_id, x.identifiers, x.cause, x.policy_version]) AS changes
