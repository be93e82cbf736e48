// Purpose: What is stored of accounts.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of account keys
// Columns:
//   accounts: list of [account_id, mark or null, version or null, audiences, evaluated_at, due, position, members, number of their
//     events]
UNWIND $w.keys AS key
MATCH (p:AccountProfile {key: key})
RETURN collect([p.account_id, p.touched, p.version, p.audiences, p.evaluated_at, p.due, p.position, p.members, p.events]) AS accounts
