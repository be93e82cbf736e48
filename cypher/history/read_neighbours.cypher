// Purpose: The identifiers that each given one was observed with in the events received until a moment.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of identifier keys
//   w.at: integer – the moment, inclusive
// Columns:
//   seen: list of [key, list of [key of the other, first_seen, last_seen, times_seen, sources,
//     super-connector now, number of events now]]; the identifier itself is one of the others
UNWIND $w.keys AS key
MATCH (i:Identifier {key: key})
CALL (i) {
  MATCH (i)<-[:OBSERVED]-(e:Event) WHERE e.received_at <= $w.at
  MATCH (e)-[:OBSERVED]->(other:Identifier)
  WITH other, min(e.at) AS first_seen, max(e.at) AS last_seen, count(e) AS times_seen, collect(DISTINCT e.source) AS sources
  RETURN collect([other.key, first_seen, last_seen, times_seen, sources, other:SuperConnector, COUNT { (other)<-[:OBSERVED]-() }]) AS others
}
RETURN collect([key, others]) AS seen
