// Purpose: Events of a space in the order in which they were received, page by page.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.since: integer – when the last event of the page before was received
//   w.key: string – its key; empty for the first page, which begins at that time
//   w.most: integer
//   w.bytes: integer – most bytes of the events, though never less than one event
// Columns:
//   events: list of [properties of the node, key of the strongest identifier, customer id or null,
//     keys of all identifiers]
MATCH (e:Event {space: $w.space})
WHERE e.received_at >= $w.since AND (e.received_at > $w.since OR e.key > $w.key)
WITH e ORDER BY e.space, e.received_at, e.key LIMIT $w.most
WITH collect(e) AS found, collect(coalesce(e.stored_bytes, size(e.properties) + size(coalesce(e.context, '')))) AS sizes
WITH found, reduce(page = {rows: 0, bytes: 0}, bytes IN sizes |
  {rows: page.rows + CASE WHEN page.rows = 0 OR page.bytes + bytes <= $w.bytes THEN 1 ELSE 0 END, bytes: page.bytes + bytes}) AS page
UNWIND found[..page.rows] AS e
OPTIONAL MATCH (e)-[:ATTRIBUTED_TO]->(i:Identifier)
OPTIONAL MATCH (i)-[:BELONGS_TO]->(c:Customer)
RETURN collect([properties(e), i.key, c.id, COLLECT { MATCH (e)-[:OBSERVED]->(o:Identifier) RETURN o.key }]) AS events
