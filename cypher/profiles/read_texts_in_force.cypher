// Purpose: The profiles texts that are in force in the given spaces.
// Access: read
// Space: w.spaces
// Parameters:
//   w.spaces: list of [space]
// Columns:
//   texts: list of [space, [version, text, applied_at, author, reason]], only of spaces that have one
UNWIND $w.spaces AS row
WITH row[0] AS space
MATCH (s:Space {name: space})
MATCH (t:ProfilesText {key: s.name + '/' + toString(s.profiles_version)})
RETURN collect([space, [t.version, t.text, t.applied_at, t.author, t.reason]]) AS texts
