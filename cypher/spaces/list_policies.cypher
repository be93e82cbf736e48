// Purpose: Versions of the policy of a space, newest first.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of policy keys
// Columns:
//   policies: list of [version, text, created_at, author, note], only those that exist
UNWIND $w.keys AS key
MATCH (p:Policy {key: key})
WITH p ORDER BY p.version DESC
RETURN collect([p.version, p.text, p.created_at, p.author, p.note]) AS policies
