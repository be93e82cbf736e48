// Purpose: The identifiers that each given one was observed with in the events received until a moment.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of identifier keys
//   w.at: integer – the moment, inclusive
// Columns:
//   seen: list of [key, list of [key of the other, first_seen, last_seen, times_seen, sources, proven,
//     super-connector now, number of events now]]; the identifier itself is one of the others
UNWIND $w.keys AS key
MATCH (i:Identifier|UnseenIdentifier {key: key})
CALL (i) {
  // An identifier that a judgement in force had taken from an event was not on it.
  MATCH (i)<-[own:OBSERVED|DETACHED]-(e:Event)
  WHERE e.received_at <= $w.at
    AND (own.detached_at IS NULL OR none(n IN range(0, size(own.detached_at) - 1) WHERE toInteger(own.detached_at[n]) <= $w.at AND coalesce(toInteger(own.attached_at[n]) > $w.at, true)))
  MATCH (e)-[seen:OBSERVED|DETACHED]->(other)
  WHERE (seen.detached_at IS NULL OR none(n IN range(0, size(seen.detached_at) - 1) WHERE toInteger(seen.detached_at[n]) <= $w.at AND coalesce(toInteger(seen.attached_at[n]) > $w.at, true)))
  WITH other, min(e.at) AS first_seen, max(e.at) AS last_seen, count(e) AS times_seen, collect(DISTINCT e.source) AS sources, count(e.proven) > 0 AS proven
  RETURN collect([other.key, first_seen, last_seen, times_seen, sources, proven, other:SuperConnector, COUNT { (other)<-[:OBSERVED|DETACHED]-() }]) AS others
}
RETURN collect([key, others]) AS seen
