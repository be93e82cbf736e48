// Purpose: Record how far the settlement of a version is, and extend the lease on it. Nothing is
//   written when the version is no longer in force or another worker holds its settlement.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.key: key of the policy
//   w.worker: string – who settles
//   w.lease: integer – milliseconds until others may claim it
//   w.phase: string
//   w.place: string – how far the phase is
//   w.count: boolean – whether to count the customers that are not settled yet
// Columns:
//   version: integer
MATCH (s:Space {name: $w.space})
MATCH (p:Policy {key: $w.key})
SET p.space = p.space // takes its lock
WITH s, p WHERE p:Settling AND p.worker = $w.worker AND p.version = s.policy_version
SET p.lease_until = timestamp() + $w.lease, p.phase = $w.phase, p.place = $w.place
WITH s, p
CALL (s, p) {
  WITH s, p WHERE $w.count
  OPTIONAL MATCH (c:Customer {space: s.name}) WHERE c.policy_version < p.version
  WITH p, count(c) AS unsettled
  // Writers that still use the version before may have added customers: progress never decreases.
  SET p.settled = CASE WHEN p.to_settle - unsettled > p.settled THEN p.to_settle - unsettled ELSE p.settled END
}
RETURN p.version AS version
