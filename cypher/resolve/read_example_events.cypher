// Purpose: For each of the given links the latest event that carries both identifiers, looked for among the
//   events of the one that has fewer.
// Access: read
// Space: keys
// Parameters:
//   w.pairs: list of pairs [identifier key, identifier key]
//   w.examined: integer – most events of one identifier to read
// Columns:
//   events: list of [position of the pair, [key, message_id, type, name, at, received_at, place, source, properties JSON]]
UNWIND range(0, size($w.pairs) - 1) AS n
WITH n, $w.pairs[n][0] AS a_key, $w.pairs[n][1] AS b_key
MATCH (a:Identifier {key: a_key})
MATCH (b:Identifier {key: b_key})
MATCH (a)-[l:OBSERVED_TOGETHER]-(b)
WITH n, a, b, l.last_seen AS at, COUNT { (a)<-[:OBSERVED]-() } <= COUNT { (b)<-[:OBSERVED]-() } AS a_has_fewer
WITH n, at, CASE WHEN a_has_fewer THEN a ELSE b END AS fewer, CASE WHEN a_has_fewer THEN b ELSE a END AS more
CALL (at, fewer, more) {
  // Neo4j reads the newest relationships first, so mostly the first one fits.
  MATCH (fewer)<-[:OBSERVED]-(e:Event)
  WITH e LIMIT $w.examined
  WHERE e.at = at AND EXISTS { (e)-[:OBSERVED]->(more) }
  RETURN e LIMIT 1
}
RETURN collect([n, [e.key, e.message_id, e.type, e.name, e.at, e.received_at, coalesce(e.place, 0), e.source, e.properties]]) AS events
