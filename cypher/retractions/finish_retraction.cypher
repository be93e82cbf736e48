// Purpose: Record that all events of a retraction were taken out or given back. Nothing is written when
//   another worker holds it, or when it was withdrawn or begun anew since it was claimed.
//   Where events were given back that a rollout of the policy in force may have passed over while they
//   were retracted, that is begun anew.
// Access: write
// Space: keys
// Parameters:
//   id: string – retraction id
//   worker: string – who worked at it
// Columns:
//   id: string
MATCH (r:Retraction {id: $id})
SET r.space = r.space // takes its lock
WITH r WHERE r:Retracting AND r.worker = $worker
REMOVE r:Retracting, r.worker, r.lease_until, r.place_at, r.place_key
WITH r
CALL (r) {
  MATCH (s:Space {name: r.space})
  MATCH (p:Policy {key: s.name + '/' + toString(s.policy_version)})
  WHERE r.withdrawn_at IS NOT NULL AND p.created_at >= r.made_at
  SET p:Settling, p.anew = true
  REMOVE p.worker, p.lease_until, p.phase, p.place
}
RETURN r.id AS id
