// Purpose: A space itself as it is stored: its node and its policies.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
// Columns:
//   nodes: list of [labels, properties]
MATCH (s:Space {name: $w.space})
CALL (s) {
  UNWIND range(1, s.policy_version) AS version
  MATCH (p:Policy {key: s.name + '/' + toString(version)})
  RETURN collect(p) AS policies
}
RETURN [n IN [s] + policies | [labels(n), properties(n)]] AS nodes
