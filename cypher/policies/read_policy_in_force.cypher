// Purpose: The policy in force in a space, and the property names that the space uses.
// Access: read
// Space: parameter
// Parameters:
//   space: string
// Columns:
//   version: integer
//   text: string
//   property_names: list of strings, `p_…`
//   retractions_rev: integer – how often retractions were made or withdrawn
//   retracted: the retractions in force, list of [id, source, from, until]
MATCH (s:Space {name: $space})
MATCH (p:Policy {key: s.name + '/' + toString(s.policy_version)})
RETURN p.version AS version, p.text AS text, coalesce(s.property_names, []) AS property_names,
  coalesce(s.retractions_rev, 0) AS retractions_rev,
  COLLECT { MATCH (r:Retraction {space: s.name}) WHERE r.id > '' AND r.withdrawn_at IS NULL RETURN [r.id, r.source, r.from, r.until] } AS retracted
