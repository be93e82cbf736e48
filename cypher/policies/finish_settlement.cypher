// Purpose: Record that the settlement of a version is done, and with it those of earlier versions that
//   were never finished. Nothing is written when the version is no longer in force or another worker
//   holds its settlement.
// Access: write
// Space: parameter
// Scan: few policies of the whole instance carry the label Settling
// Parameters:
//   space: string
//   key: key of the policy
//   worker: string – who settled
// Columns:
//   version: integer
MATCH (s:Space {name: $space})
MATCH (p:Policy {key: $key})
SET p.space = p.space // takes its lock
WITH s, p WHERE p:Settling AND p.worker = $worker AND p.version = s.policy_version
SET p.settled = p.to_settle
REMOVE p.anew
WITH p
CALL (p) {
  MATCH (o:Settling {space: p.space}) WHERE o.version <= p.version
  REMOVE o:Settling, o.worker, o.lease_until, o.phase, o.place
}
RETURN p.version AS version
