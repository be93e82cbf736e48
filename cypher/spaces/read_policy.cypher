// Purpose: The policy in force, and how far its settlement is.
// Access: read
// Space: parameter
// Parameters:
//   space: string
// Columns:
//   policy: [version, text, created_at, author, note]
//   settlement: [customers to settle, settled, done]
MATCH (s:Space {name: $space})
MATCH (p:Policy {key: s.name + '/' + toString(s.policy_version)})
RETURN [p.version, p.text, p.created_at, p.author, p.note] AS policy,
  [coalesce(p.to_settle, 0), coalesce(p.settled, 0), NOT p:Settling] AS settlement
