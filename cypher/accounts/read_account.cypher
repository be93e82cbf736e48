// Purpose: An account with its sets of traits, and the source that each set came from last.
// Access: read
// Space: keys
// Parameters:
//   w.key: string – account key
//   w.most: integer – most sets, the newest
//   w.bytes: integer – most bytes of the sets, though never less than one set
//   w.examined: integer – most events that are looked at for the source of a set
// Columns:
//   account_id: string
//   described: list of [[last_seen, received_at, place], traits JSON, source or null]
MATCH (a:Account {key: $w.key})
CALL (a) {
  MATCH (a)-[:DESCRIBED_AS]->(d:AccountTraits) WHERE d.last_seen IS NOT NULL
  WITH d, [d.last_seen, coalesce(d.last_received_at, 0), coalesce(d.last_place, 0)] AS last_reported
  ORDER BY last_reported DESC, d.key LIMIT $w.most
  WITH collect(last_reported) AS times, collect(d) AS sets
  WITH times, sets, reduce(page = {rows: 0, bytes: 0}, d IN sets |
    {rows: page.rows + CASE WHEN page.rows = 0 OR page.bytes + size(d.traits) <= $w.bytes THEN 1 ELSE 0 END, bytes: page.bytes + size(d.traits)}) AS page
  UNWIND range(0, page.rows - 1) AS n
  WITH times[n] AS last_reported, sets[n] AS d
  CALL (d) {
    // Neo4j reads the newest relationships first, so mostly the first one fits.
    MATCH (d)<-[:TOLD]-(e:Event)
    WITH d, e LIMIT $w.examined
    WHERE e.at = d.last_seen
    WITH e LIMIT 1
    RETURN collect(e.source) AS sources
  }
  RETURN collect([last_reported, d.traits, head(sources)]) AS described
}
RETURN a.account_id AS account_id, described
