// Purpose: What was touched in a space since profiles were computed, and profiles whose time has come, of customers
//   and of accounts, each oldest first.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.now: integer
//   w.most: integer – of each
// Columns:
//   position: integer – of the last change in the ledger
//   identifiers: list of [key, mark, when it was touched first, id of its customer or null]
//   profiles: list of [customer id, mark]
//   due: list of customer ids
//   accounts: list of ids of accounts that were touched
//   due_accounts: list of account ids
//   next_due: integer or null – when the next one is
MATCH (s:Space {name: $w.space})
CALL (s) {
  MATCH (i:Identifier) WHERE i.space = s.name AND i.touched > 0
  WITH i ORDER BY i.space, i.touched LIMIT $w.most
  OPTIONAL MATCH (i)-[:BELONGS_TO]->(c:Customer)
  RETURN collect([i.key, coalesce(i.last_touched, i.touched), i.touched, c.id]) AS identifiers
}
CALL (s) {
  MATCH (p:Profile) WHERE p.space = s.name AND p.touched > 0
  WITH p ORDER BY p.space, p.touched LIMIT $w.most
  RETURN collect([p.customer_id, p.touched]) AS profiles
}
CALL (s) {
  MATCH (p:Profile) WHERE p.space = s.name AND p.due <= $w.now
  WITH p ORDER BY p.space, p.due LIMIT $w.most
  RETURN collect(p.customer_id) AS due
}
CALL (s) {
  MATCH (p:AccountProfile) WHERE p.space = s.name AND p.touched > 0
  WITH p ORDER BY p.space, p.touched LIMIT $w.most
  RETURN collect(p.account_id) AS accounts
}
CALL (s) {
  MATCH (p:AccountProfile) WHERE p.space = s.name AND p.due <= $w.now
  WITH p ORDER BY p.space, p.due LIMIT $w.most
  RETURN collect(p.account_id) AS due_accounts
}
CALL (s) {
  CALL (s) {
    MATCH (p:Profile) WHERE p.space = s.name AND p.due > $w.now
    WITH p ORDER BY p.space, p.due LIMIT 1
    RETURN p.due AS next
    UNION ALL
    MATCH (p:AccountProfile) WHERE p.space = s.name AND p.due > $w.now
    WITH p ORDER BY p.space, p.due LIMIT 1
    RETURN p.due AS next
  }
  RETURN min(next) AS next_due
}
RETURN coalesce(s.last_position, 0) AS position, identifiers, profiles, due, accounts, due_accounts, next_due
