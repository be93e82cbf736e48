// Purpose: Attribute events to the strongest of their identifiers, where the policy changed which
//   one that is; page by page in order of their keys. Nothing is written when the policy is no
//   longer the one in force.
// Access: write
// Space: parameter
// Parameters:
//   space: string
//   version: integer
//   after: key of the last event of the page before, or the lower bound of the space's keys
//   until: the upper bound of the space's keys
//   most: how many events to look at
//   priority: map from identifier type to priority
//   other: priority of types that are not in that map
// Columns:
//   last: key of the last event looked at, null when there was none
MATCH (s:Space {name: $space}) WHERE s.policy_version = $version
CALL () {
  MATCH (e:Event) WHERE $after < e.key < $until
  WITH e ORDER BY e.key LIMIT $most
  RETURN collect(e) AS page
}
CALL (page) {
  UNWIND page AS e
  MATCH (e)-[:OBSERVED]->(i:Identifier) WHERE NOT i:Blocked
  WITH e, i ORDER BY coalesce($priority[i.type], $other), i.type, i.value
  WITH e, head(collect(i)) AS strongest
  MATCH (e)-[a:ATTRIBUTED_TO]->(t) WHERE t <> strongest
  DELETE a
  CREATE (e)-[:ATTRIBUTED_TO]->(strongest)
}
RETURN last(page).key AS last
