// Purpose: One change.
// Access: read
// Space: parameter
// Parameters:
//   space: string
//   id: string – change id
// Columns:
//   change: [id, kind, at, customer_id, other_customer_id, identifiers, cause, policy_version,
//     position]
MATCH (x:Change {id: $id})
WHERE x.space = $space
RETURN [x.id, x.kind, x.at, x.customer_id, x.other_customer_id, x.identifiers, x.cause, x.policy_version, x.position] AS change
