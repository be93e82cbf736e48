// Purpose: Claim the settlement of the policy in force, unless it is done or another worker holds it.
// Access: write
// Space: parameter
// Parameters:
//   space: string
//   worker: string – who claims it
//   lease: integer – milliseconds until others may claim it; recorded progress extends the lease
// Columns:
//   version: integer
//   text: string
//   phase: string – the phase that was reached, null at the beginning
//   place: string – how far that phase was
//   before: text of the version before, null unless its settlement was finished and this one is not
//     begun anew
MATCH (s:Space {name: $space})
MATCH (p:Policy {key: s.name + '/' + toString(s.policy_version)}) WHERE p:Settling
SET p.space = p.space // takes its lock
WITH s, p WHERE p:Settling AND (p.worker = $worker OR coalesce(p.lease_until, 0) < timestamp())
SET p.worker = $worker, p.lease_until = timestamp() + $lease
WITH s, p
OPTIONAL MATCH (b:Policy {key: s.name + '/' + toString(p.version - 1)}) WHERE NOT b:Settling AND p.anew IS NULL
RETURN p.version AS version, p.text AS text, p.phase AS phase, coalesce(p.place, '') AS place, b.text AS before
