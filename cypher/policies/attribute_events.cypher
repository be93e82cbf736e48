// Purpose: Attribute events to the strongest of their identifiers, where the policy changed which
//   one that is; page by page in order of time.
// Access: write
// Space: parameter
// Parameters:
//   space: string
//   after: time of the last event of the page before, in milliseconds
//   most: how many events at least to look at
//   priority: map from identifier type to priority
//   other: priority of types that are not in that map
// Columns:
//   last: time of the last event looked at, null when there was none
MATCH (e:Event {space: $space}) WHERE e.at > $after
WITH e.at AS at ORDER BY at LIMIT $most
WITH max(at) AS last
CALL (last) {
  MATCH (e:Event {space: $space}) WHERE e.at > $after AND e.at <= last
  MATCH (e)-[:OBSERVED]->(i:Identifier) WHERE NOT i:Blocked
  WITH e, i ORDER BY coalesce($priority[i.type], $other), i.type, i.value
  WITH e, head(collect(i)) AS strongest
  MATCH (e)-[a:ATTRIBUTED_TO]->(t) WHERE t <> strongest
  DELETE a
  CREATE (e)-[:ATTRIBUTED_TO]->(strongest)
}
RETURN last
