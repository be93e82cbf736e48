// Purpose: The policy in force in a space.
// Access: read
// Space: parameter
// Parameters:
//   space: string
// Columns:
//   version: integer
//   text: string
MATCH (s:Space {name: $space})
MATCH (p:Policy {key: s.name + '/' + toString(s.policy_version)})
RETURN p.version AS version, p.text AS text
