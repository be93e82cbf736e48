// Purpose: For each of some links the latest event that saw both identifiers, found among the events
//   of the one that has fewer.
// Access: read
// Space: keys
// Parameters:
//   w.pairs: list of pairs [identifier key, identifier key]
//   w.examined: integer – how many events of an identifier are looked at
// Columns:
//   events: list of [position of the pair, [key, message_id, type, name, at, received_at, source, properties JSON]]
UNWIND range(0, size($w.pairs) - 1) AS x
MATCH (a:Identifier {key: $w.pairs[x][0]})
MATCH (b:Identifier {key: $w.pairs[x][1]})
MATCH (a)-[l:OBSERVED_TOGETHER]-(b)
WITH x, l.last_seen AS at,
  CASE WHEN COUNT { (a)<-[:OBSERVED]-() } <= COUNT { (b)<-[:OBSERVED]-() } THEN [a, b] ELSE [b, a] END AS ends
WITH x, at, ends[0] AS fewer, ends[1] AS more
CALL (at, fewer, more) {
  // Relationships are met newest first: mostly the first one is it.
  MATCH (fewer)<-[:OBSERVED]-(e:Event)
  WITH e LIMIT $w.examined
  WHERE e.at = at AND EXISTS { (e)-[:OBSERVED]->(more) }
  RETURN e LIMIT 1
}
RETURN collect([x, [e.key, e.message_id, e.type, e.name, e.at, e.received_at, e.source, e.properties]]) AS events
