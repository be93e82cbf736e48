// Purpose: Changes of a span of time, newest first.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.kinds: list of kinds, or null for all
//   w.since: integer – first moment
//   w.until: integer – last moment, inclusive
//   w.before: integer – position of the last change of the page before
//   w.most: integer
// Columns:
//   changes: list of [id, kind, at, customer_id, other_customer_id, identifiers, cause, policy_version,
//     position]
MATCH (x:Change {space: $w.space})
USING INDEX x:Change(space, at)
WHERE x.at >= $w.since AND x.at <= $w.until AND x.position < $w.before AND ($w.kinds IS NULL OR x.kind IN $w.kinds)
WITH x ORDER BY x.position DESC LIMIT $w.most
RETURN collect([x.id, x.kind, x.at, x.customer_id, x.other_customer_id, x.identifiers, x.cause, x.policy_version, x.position]) AS changes
