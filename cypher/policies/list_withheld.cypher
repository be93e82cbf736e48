// Purpose: Events with values that the policy withheld when they were received, page by page in order
//   of their keys.
// Access: read
// Space: keys
// Parameters:
//   after: key of the last event of the page before, or the lower bound of the space's keys
//   until: the upper bound of the space's keys
//   most: how many events to look at
// Columns:
//   last: key of the last event looked at, null when there was none
//   events: list of [key, time, source, proven, withheld values, keys of the identifiers that it observed]
MATCH (e:Event) WHERE $after < e.key < $until
WITH e ORDER BY e.key LIMIT $most
WITH collect(e) AS page
CALL (page) {
  UNWIND page AS e
  WITH e WHERE e.withheld IS NOT NULL
  RETURN collect([e.key, e.at, e.source, e.proven IS NOT NULL, e.withheld, COLLECT { MATCH (e)-[:OBSERVED]->(i:Identifier) RETURN i.key }]) AS events
}
RETURN last(page).key AS last, events
