// Purpose: What is left of the evidence about an identifier without some of its events: when it was seen,
//   and its links to what these events carry.
// Access: read
// Space: keys
// Parameters:
//   w.key: identifier key
//   w.events: list of keys of the events to leave out
//   w.others: list of keys of what they carry besides
// Columns:
//   observed: integer – events that carry the identifier now
//   first_seen: integer, null when no event is left
//   last_seen: integer, likewise
//   links: list of [other key, first_seen, last_seen, times_seen, sources, links of the other that are
//     not to blocked identifiers]; times_seen is 0 where nothing is left
//   degree: integer – links of the identifier that are not to blocked identifiers
MATCH (i:Identifier {key: $w.key})
CALL (i) {
  MATCH (i)<-[:OBSERVED]-(e:Event) WHERE NOT e.key IN $w.events
  RETURN min(e.at) AS first_seen, max(e.at) AS last_seen
}
CALL (i) {
  UNWIND $w.others AS key
  MATCH (o:Identifier {key: key})
  WITH i, o, COUNT { (i)<-[:OBSERVED]-() } <= COUNT { (o)<-[:OBSERVED]-() } AS i_has_fewer
  WITH o, CASE WHEN i_has_fewer THEN i ELSE o END AS fewer, CASE WHEN i_has_fewer THEN o ELSE i END AS more
  CALL (fewer, more) {
    MATCH (fewer)<-[:OBSERVED]-(e:Event)
    WHERE NOT e.key IN $w.events AND EXISTS { (e)-[:OBSERVED]->(more) }
    RETURN min(e.at) AS first, max(e.at) AS last, count(e) AS times, collect(DISTINCT e.source) AS sources
  }
  RETURN collect([o.key, first, last, times, sources, COUNT { (o)-[:OBSERVED_TOGETHER]-(n:Identifier) WHERE NOT n:Blocked }]) AS links
}
RETURN COUNT { (i)<-[:OBSERVED]-() } AS observed, first_seen, last_seen, links,
  COUNT { (i)-[:OBSERVED_TOGETHER]-(n:Identifier) WHERE NOT n:Blocked } AS degree
