// Purpose: Customers of a space by kind.
// Access: read
// Space: parameter
// Parameters:
//   space: string
// Columns:
//   counts: list of [kind, count]
MATCH (c:Customer {space: $space})
WHERE c.policy_version IS NOT NULL
WITH c.kind AS kind, count(*) AS number
RETURN collect([kind, number]) AS counts
