// Purpose: The property names that a space uses, and which source took each.
// Access: read
// Space: parameter
// Parameters:
//   space: string
// Columns:
//   names: list of strings, `p_…`
//   sources: list of strings in the same order; it may be shorter, where an earlier version took names
MATCH (s:Space {name: $space})
RETURN coalesce(s.property_names, []) AS names, coalesce(s.property_name_sources, []) AS sources
