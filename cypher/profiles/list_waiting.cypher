// Purpose: What was touched in a space since profiles were computed, and profiles whose time has come, each
//   oldest first.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.now: integer
//   w.most: integer – of each of the three
// Columns:
//   position: integer – of the last change in the ledger
//   identifiers: list of [key, mark, when it was touched first, id of its customer or null]
//   profiles: list of [customer id, mark]
//   due: list of customer ids
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
  MATCH (p:Profile) WHERE p.space = s.name AND p.due > $w.now
  WITH p ORDER BY p.space, p.due LIMIT 1
  RETURN min(p.due) AS next_due
}
RETURN coalesce(s.last_position, 0) AS position, identifiers, profiles, due, next_due
