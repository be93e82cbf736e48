// Purpose: Spaces that the policy in force has not settled completely, and whose settlement no worker holds.
// Access: read
// Space: instance
// Scan: few policies of the whole instance carry the label Settling
// Parameters: none
// Columns:
//   spaces: list of names
MATCH (p:Settling) WHERE coalesce(p.lease_until, 0) < timestamp()
MATCH (s:Space {name: p.space}) WHERE s.policy_version = p.version
RETURN collect(s.name) AS spaces
