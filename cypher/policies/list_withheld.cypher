// Purpose: Events with identifiers that a policy refused when they came, page by page in order of
//   time.
// Access: read
// Space: parameter
// Parameters:
//   space: string
//   after: time of the last event of the page before, in milliseconds
//   most: how many events at least to look at
// Columns:
//   last: time of the last event looked at, null when there was none
//   events: list of [key, time, source, withheld, keys of the identifiers that it observed]
MATCH (e:Event {space: $space}) WHERE e.at > $after
WITH e.at AS at ORDER BY at LIMIT $most
WITH max(at) AS last
CALL (last) {
  MATCH (e:Event {space: $space}) WHERE e.at > $after AND e.at <= last AND e.withheld IS NOT NULL
  RETURN collect([e.key, e.at, e.source, e.withheld, COLLECT { MATCH (e)-[:OBSERVED]->(i:Identifier) RETURN i.key }]) AS events
}
RETURN last, events
