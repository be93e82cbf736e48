// Purpose: What happened to customers since their profiles were computed, and what became of their memberships
//   until now.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.customers: list of [customer id, position in the ledger after which to begin]
//   w.changes: integer – most changes of one customer, the newest
//   w.following: integer – most changes behind one of these that are looked at
//   w.memberships: integer – most changes of the memberships of one customer, the newest
// Columns:
//   changes: list of [customer id, change id, kind, at, customer_id, other_customer_id, cause, whether identifiers became
//     contested by it, or are no longer], in order of their positions
//   memberships: likewise of the customers that these name, list of [customer id, audience, entered or left,
//     cause], in order of their positions
CALL () {
  UNWIND $w.customers AS row
  WITH row[0] AS id, row[1] AS position
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
  WITH id, x ORDER BY x.position
  CALL (x) {
    WITH x WHERE x.kind IN ['SPLIT', 'MOVED', 'MERGED']
    // What becomes contested by a settlement stands behind all that moves by it.
    MATCH (q:Change) WHERE q.space = x.space AND q.position > x.position AND q.position <= x.position + $w.following
    WITH x, q WHERE q.kind IN ['QUARANTINED', 'RELEASED'] AND q.at = x.at AND q.cause = x.cause AND any(key IN q.identifiers WHERE key IN x.identifiers)
    RETURN count(q) > 0 AS shared
  }
  RETURN collect([id, x.id, x.kind, x.at, x.customer_id, x.other_customer_id, x.cause, shared]) AS changes,
    collect(x.customer_id) + collect(x.other_customer_id) AS met
}
CALL (met) {
  UNWIND $w.customers AS row
  WITH met, row[0] AS id
  WITH met, collect(id) AS asked
  UNWIND asked + met AS id
  WITH DISTINCT id
  CALL (id) {
    MATCH (m:MembershipChange {customer_id: id}) WHERE m.space = $w.space
    WITH m ORDER BY m.position DESC LIMIT $w.memberships
    RETURN m
  }
  WITH id, m ORDER BY m.position
  RETURN collect([id, m.audience, m.change, m.cause]) AS memberships
}
RETURN changes, memberships
