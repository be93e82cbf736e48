// Purpose: Versions of the reading rules of a source, newest first.
// Access: read
// Space: instance
// Parameters:
//   w.keys: list of keys of versions
// Columns:
//   rules: list of [version, text, created_at, author], only those that exist
UNWIND $w.keys AS key
MATCH (r:ReadingRules {key: key})
WITH r ORDER BY r.version DESC
RETURN collect([r.version, r.text, r.created_at, r.author]) AS rules
