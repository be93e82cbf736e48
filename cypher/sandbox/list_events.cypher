// Purpose: Events of a space as they are stored, in the order in which they were received, page by page.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.since: integer – when the last event of the page before was received
//   w.key: string – its key; empty for the first page, which begins at that time
//   w.most: integer
// Columns:
//   events: list of [labels, properties, key of the strongest identifier, keys of all identifiers,
//     keys of its accounts]
MATCH (e:Event {space: $w.space})
WHERE e.received_at >= $w.since AND (e.received_at > $w.since OR e.key > $w.key)
WITH e ORDER BY e.received_at, e.key LIMIT $w.most
RETURN collect([
  labels(e), properties(e), head(COLLECT { MATCH (e)-[:ATTRIBUTED_TO]->(i:Identifier) RETURN i.key }),
  COLLECT { MATCH (e)-[:OBSERVED]->(i:Identifier) RETURN i.key },
  COLLECT { MATCH (e)-[:NAMES]->(a:Account) RETURN a.key }
]) AS events
