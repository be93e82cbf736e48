// Purpose: Give property names of a space back, so that there is room for others.
// Access: write
// Space: parameter
// Parameters:
//   space: string
//   names: list of strings, `p_…`
// Columns:
//   released: list of the names that were in use
MATCH (s:Space {name: $space})
WITH s, coalesce(s.property_names, []) AS names, coalesce(s.property_name_sources, []) AS sources
WITH s, names, sources, [n IN range(0, size(names) - 1) WHERE NOT names[n] IN $names] AS kept
SET s.property_names = [n IN kept | names[n]], s.property_name_sources = [n IN kept | coalesce(sources[n], '-')]
RETURN [name IN names WHERE name IN $names] AS released
