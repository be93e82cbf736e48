// Purpose: What the ledger says of customers since they, or accounts of theirs, were computed.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.customers: list of [for whom, customer id, position in the ledger after which to begin]
//   w.changes: integer – most changes of one customer, the newest
//   w.following: integer – most changes behind one of these that are looked at
// Columns:
//   changes: list of [for whom, customer id, change id, kind, at, customer_id, other_customer_id, cause, whether identifiers
//     became contested by it, or are no longer], in order of their positions
UNWIND $w.customers AS row
WITH row[0] AS whose, row[1] AS id, row[2] AS position
CALL (id, position) {
  CALL (id) {
    MATCH (x:Change {customer_id: id}) RETURN x
    UNION
    MATCH (x:Change {other_customer_id: id}) RETURN x
  }
  WITH x, position WHERE x.space = $w.space AND x.position > position
  WITH x ORDER BY x.position DESC LIMIT $w.changes
  RETURN x
}
WITH whose, id, x ORDER BY x.position
CALL (x) {
  WITH x WHERE x.kind IN ['SPLIT', 'MOVED', 'MERGED']
  // What becomes contested by a settlement stands behind all that moves by it.
  MATCH (q:Change) WHERE q.space = x.space AND q.position > x.position AND q.position <= x.position + $w.following
  WITH x, q WHERE q.kind IN ['QUARANTINED', 'RELEASED'] AND q.at = x.at AND q.cause = x.cause AND any(key IN q.identifiers WHERE key IN x.identifiers)
  RETURN count(q) > 0 AS shared
}
RETURN collect([whose, id, x.id, x.kind, x.at, x.customer_id, x.other_customer_id, x.cause, shared]) AS changes
