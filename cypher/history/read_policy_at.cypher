// Purpose: The policy that was in force in a space at a moment.
// Access: read
// Space: parameter
// Parameters:
//   space: string
//   at: integer – the moment, inclusive
// Columns:
//   version: integer, null when there was none yet
//   text: string or null
//   since: integer – when the first version was put in force
MATCH (s:Space {name: $space})
UNWIND range(1, s.policy_version) AS version
MATCH (p:Policy {key: s.name + '/' + toString(version)})
WITH min(p.created_at) AS since, max(CASE WHEN p.created_at <= $at THEN p.version END) AS version
OPTIONAL MATCH (p:Policy {key: $space + '/' + toString(version)})
RETURN version, p.text AS text, since
