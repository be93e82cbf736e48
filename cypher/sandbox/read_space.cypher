// Purpose: A space itself as it is stored: its node, its policies and its profiles texts.
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
CALL (s) {
  UNWIND range(1, coalesce(s.profiles_version, 0)) AS version
  MATCH (t:ProfilesText {key: s.name + '/' + toString(version)})
  RETURN collect(t) AS texts
}
RETURN [n IN [s] + policies + texts | [labels(n), properties(n)]] AS nodes
