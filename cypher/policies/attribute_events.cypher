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
  MATCH (e)-[a:ATTRIBUTED_TO]->(i:Identifier) WHERE i <> strongest
  RETURN collect({event: e, attributed: a, before: i, after: strongest}) AS moves
}
WITH page, moves,
  CASE WHEN s.profiles_version IS NOT NULL OR EXISTS { (:Destination {space: s.name}) } THEN timestamp() * 1000 END AS mark
CALL (moves, mark) {
  UNWIND CASE WHEN mark IS NULL THEN [] ELSE moves END AS move
  UNWIND [move.before, move.after] AS i
  WITH DISTINCT i, mark ORDER BY i.key
  SET i.space = $space // takes its lock
  SET i.touched = coalesce(i.touched, mark), i.last_touched = CASE WHEN i.last_touched >= mark THEN i.last_touched + 1 ELSE mark END
}
CALL (moves) {
  UNWIND moves AS move
  WITH move.event AS e, move.attributed AS a, move.after AS strongest
  DELETE a
  CREATE (e)-[:ATTRIBUTED_TO]->(strongest)
}
RETURN last(page).key AS last
