// Purpose: Add property names to those that a space uses, up to a limit, so that a sender that makes
//   up names cannot fill the graph with them.
// Access: write
// Space: parameter
// Parameters:
//   space: string
//   names: list of strings, `p_…`
//   most: how many names a space may use
// Columns:
//   names: list of all names in use
MATCH (s:Space {name: $space})
SET s.property_names = (coalesce(s.property_names, []) + [n IN $names WHERE NOT n IN coalesce(s.property_names, [])])[..$most]
RETURN s.property_names AS names
