// Purpose: Versions of the profiles text of a space, newest first.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of keys of versions
// Columns:
//   texts: list of [version, text, applied_at, author, reason], only those that exist
UNWIND $w.keys AS key
MATCH (t:ProfilesText {key: key})
WITH t ORDER BY t.version DESC
RETURN collect([t.version, t.text, t.applied_at, t.author, t.reason]) AS texts
