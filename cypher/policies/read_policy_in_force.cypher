// Purpose: The policy in force in a space, and the property names that the space uses.
// Access: read
// Space: parameter
// Parameters:
//   space: string
// Columns:
//   version: integer
//   text: string
//   property_names: list of strings, `p_…`
MATCH (s:Space {name: $space})
MATCH (p:Policy {key: s.name + '/' + toString(s.policy_version)})
RETURN p.version AS version, p.text AS text, coalesce(s.property_names, []) AS property_names
