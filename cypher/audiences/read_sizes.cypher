// Purpose: How many members audiences have.
// Access: read
// Space: w.audiences
// Parameters:
//   w.audiences: list of [space, audience as it stands in keys of memberships]
// Columns:
//   sizes: list of [space, audience, size]
UNWIND $w.audiences AS row
WITH row[0] AS space, row[1] AS audience
CALL (space, audience) {
  MATCH (m:Membership)
  WHERE m.key > space + '/' + audience + '/' AND m.key < space + '/' + audience + '0' // which follows the slash
  RETURN count(m) AS size
}
RETURN collect([space, audience, size]) AS sizes
