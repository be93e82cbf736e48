// Purpose: Take up the settlement of the policy in force, unless it is done or somebody else is at it.
// Access: write
// Space: parameter
// Parameters:
//   space: string
//   worker: string – who takes it up
//   lease: integer – milliseconds until others may, unless the progress is recorded
// Columns:
//   version: integer
//   text: string
//   phase: string – where the settlement was left, null at the beginning
//   place: string – how far that phase was
//   before: text of the version before, null unless its settlement was finished
MATCH (s:Space {name: $space})
MATCH (p:Policy {key: s.name + '/' + toString(s.policy_version)}) WHERE p:Settling
SET p.space = p.space // takes its lock
WITH s, p WHERE p:Settling AND (p.worker = $worker OR coalesce(p.lease_until, 0) < timestamp())
SET p.worker = $worker, p.lease_until = timestamp() + $lease
WITH s, p
OPTIONAL MATCH (b:Policy {key: s.name + '/' + toString(p.version - 1)}) WHERE NOT b:Settling
RETURN p.version AS version, p.text AS text, p.phase AS phase, coalesce(p.place, '') AS place, b.text AS before
