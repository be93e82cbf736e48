// Purpose: The latest alias or merge call that carries both identifiers of one of the given pairs, looked for
//   among the newest events of the first.
// Access: read
// Space: keys
// Parameters:
//   w.pairs: list of pairs [identifier key, identifier key]
//   w.examined: integer – most events of one identifier to read
// Columns:
//   at: integer – when it happened
//   source: string
UNWIND $w.pairs AS pair
WITH pair[0] AS a_key, pair[1] AS b_key
MATCH (a:Identifier {key: a_key})
MATCH (b:Identifier {key: b_key})
MATCH (a)-[:OBSERVED_TOGETHER]-(b)
CALL (a, b) {
  MATCH (a)<-[:OBSERVED]-(e:Event)
  WITH e LIMIT $w.examined
  WHERE e.type IN ['alias', 'merge'] AND EXISTS { (e)-[:OBSERVED]->(b) }
  RETURN e
}
RETURN e.at AS at, e.source AS source
ORDER BY at DESC, source LIMIT 1
