// Purpose: Some of the identifiers that each given one was observed with in the events received until a
//   moment, and the times of these events: enough to find the super-connectors of that moment.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of identifier keys
//   w.at: integer – the moment, inclusive
//   w.most: integer – most neighbours of one identifier
//   w.scanned: integer – most events of one identifier to read; of one with more, the times are those of
//     now, and none later than the moment
// Columns:
//   seen: list of [key, first_seen, last_seen, keys of neighbours]; times are null when there was no event
UNWIND $w.keys AS key
MATCH (i:Identifier|UnseenIdentifier {key: key})
CALL (i) {
  // An identifier that a judgement in force had taken from an event was not on it.
  MATCH (i)<-[own:OBSERVED|DETACHED]-(e:Event)
  WHERE e.received_at <= $w.at
    AND (own.detached_at IS NULL OR none(n IN range(0, size(own.detached_at) - 1) WHERE toInteger(own.detached_at[n]) <= $w.at AND coalesce(toInteger(own.attached_at[n]) > $w.at, true)))
  MATCH (e)-[seen:OBSERVED|DETACHED]->(other)
  WHERE other <> i
    AND (seen.detached_at IS NULL OR none(n IN range(0, size(seen.detached_at) - 1) WHERE toInteger(seen.detached_at[n]) <= $w.at AND coalesce(toInteger(seen.attached_at[n]) > $w.at, true)))
  WITH DISTINCT other LIMIT $w.most
  RETURN collect(other.key) AS others
}
WITH i, key, others, COUNT { (i)<-[:OBSERVED|DETACHED]-() } <= $w.scanned AS few
CALL (i, few) {
  WITH i WHERE few
  MATCH (i)<-[own:OBSERVED|DETACHED]-(e:Event)
  WHERE e.received_at <= $w.at
    AND (own.detached_at IS NULL OR none(n IN range(0, size(own.detached_at) - 1) WHERE toInteger(own.detached_at[n]) <= $w.at AND coalesce(toInteger(own.attached_at[n]) > $w.at, true)))
  RETURN min(e.at) AS first, max(e.at) AS last
}
RETURN collect([key, CASE WHEN few THEN first ELSE i.first_seen END,
  CASE WHEN few THEN last WHEN i.last_seen < $w.at THEN i.last_seen ELSE $w.at END, others]) AS seen
