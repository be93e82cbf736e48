// Purpose: Add property names that a source sends to those that a space uses, up to a limit for each source
//   and one for all, so that a sender that makes up names fills neither the graph nor the room of others.
// Access: write
// Space: parameter
// Parameters:
//   space: string
//   source: string
//   names: list of strings, `p_…`
//   most_of_source: how many names a source may take
//   most: how many names a space may use
// Columns:
//   names: list of all names in use
MATCH (s:Space {name: $space})
SET s.name = s.name // takes its lock
WITH s, coalesce(s.property_names, []) AS names, coalesce(s.property_name_sources, []) AS known
// Of names that an earlier version took, nobody knows the source: an entry needs a text.
WITH s, names, known + [n IN range(size(known), size(names) - 1) | '-'] AS sources
WITH s, names, sources, [name IN $names WHERE NOT name IN names] AS new,
  [$most - size(names), $most_of_source - size([source IN sources WHERE source = $source])] AS room
WITH s, names, sources, new[..reduce(least = size(new), free IN room | CASE WHEN free < 0 THEN 0 WHEN free < least THEN free ELSE least END)] AS taken
SET s.property_names = names + taken, s.property_name_sources = sources + [name IN taken | $source]
RETURN s.property_names AS names
