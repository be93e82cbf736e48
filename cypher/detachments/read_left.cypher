// Purpose: What is left of the evidence about identifiers without some of their events: when each was seen,
//   and their links.
// Access: read
// Space: keys
// Parameters:
//   w.events: list of keys of the events to leave out
//   w.identifiers: list of identifier keys
//   w.links: list of [identifier key, identifier key]
//   w.counted: list of keys of the identifiers whose links are to be counted
// Columns:
//   identifiers: list of [key, number of events that carry it now, first_seen, last_seen]; times are null
//     when no event is left
//   links: list of [key, key, first_seen, last_seen, times_seen, sources, proven]; times_seen is 0 where
//     nothing is left
//   degrees: list of [key, number of links that are not to blocked identifiers]
CALL () {
  UNWIND $w.identifiers AS key
  MATCH (i:Identifier {key: key})
  CALL (i) {
    MATCH (i)<-[:OBSERVED]-(e:Event) WHERE NOT e.key IN $w.events
    RETURN min(e.at) AS first_seen, max(e.at) AS last_seen
  }
  RETURN collect([i.key, COUNT { (i)<-[:OBSERVED]-() }, first_seen, last_seen]) AS identifiers
}
CALL () {
  UNWIND $w.links AS row
  WITH row[0] AS a_key, row[1] AS b_key
  MATCH (a:Identifier {key: a_key})
  MATCH (b:Identifier {key: b_key})
  WITH a, b, COUNT { (a)<-[:OBSERVED]-() } <= COUNT { (b)<-[:OBSERVED]-() } AS a_has_fewer
  WITH a, b, CASE WHEN a_has_fewer THEN a ELSE b END AS fewer, CASE WHEN a_has_fewer THEN b ELSE a END AS more
  CALL (fewer, more) {
    MATCH (fewer)<-[:OBSERVED]-(e:Event)
    WHERE NOT e.key IN $w.events AND EXISTS { (e)-[:OBSERVED]->(more) }
    RETURN min(e.at) AS first, max(e.at) AS last, count(e) AS times, collect(DISTINCT e.source) AS sources, count(e.proven) > 0 AS proven
  }
  RETURN collect([a.key, b.key, first, last, times, sources, proven]) AS links
}
CALL () {
  UNWIND $w.counted AS key
  MATCH (i:Identifier {key: key})
  RETURN collect([i.key, COUNT { (i)-[:OBSERVED_TOGETHER]-(n:Identifier) WHERE NOT n:Blocked }]) AS degrees
}
RETURN identifiers, links, degrees
