// Purpose: The policy in force in a space.
// Access: read
// Space: parameter
// Parameters:
//   space: string
// Columns:
//   version: integer
//   text: string
//   retractions_rev: integer – how often retractions were made or withdrawn
//   retracted: the retractions in force, list of [id, source, from, until]
MATCH (s:Space {name: $space})
MATCH (p:Policy {key: s.name + '/' + toString(s.policy_version)})
RETURN p.version AS version, p.text AS text,
  coalesce(s.retractions_rev, 0) AS retractions_rev,
  COLLECT { MATCH (r:Retraction {space: s.name}) WHERE r.id > '' AND r.withdrawn_at IS NULL RETURN [r.id, r.source, r.from, r.until] } AS retracted
