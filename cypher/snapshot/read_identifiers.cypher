// Purpose: The evidence and the settled customers of a space, page by page in order of the keys:
//   identifiers, their customers, the ids that are anchored at them, and their links.
//   A node is named by a number, the last part of its element id: many times faster than its key.
// Access: read
// Space: keys
// Parameters:
//   w.after: string – key of the last identifier of the page before; of the first page, the name
//     of the space and a slash
//   w.end: string – a text that all keys of the space come before
//   w.most: integer
//   w.with_claims: boolean – tell of links which sources alone they rest on
// Columns:
//   keys: list of identifier keys, in order
//   numbers: list of their numbers
//   first_seen: list of times
//   customers: list of numbers of their customers, or null
//   contested: list of numbers of identifiers, as the next
//   super_connectors: list of numbers
//   register: list of [number, id, created_at, kind or null, number of its anchor,
//     number of the customer that it forwards to or null, numbers of its earlier anchors, the last
//     one first]
//   a: list of numbers – one end of each link that leads from one of these identifiers
//   b: list of numbers – the other end
//   first_seen_together: list of times
//   last_seen_together: list of times
//   times_seen: list of integers
//   claims: list of lists of sources, empty where an event was proven; none at all unless asked for
MATCH (i:Identifier) WHERE i.key > $w.after AND i.key < $w.end
WITH i ORDER BY i.key LIMIT $w.most
WITH collect(i) AS page
CALL (page) {
  UNWIND page AS i
  MATCH (i)<-[:ANCHORED_AT]-(c)
  OPTIONAL MATCH (c)-[:FORWARDS_TO]->(successor)
  RETURN collect([toInteger(last(split(elementId(c), ':'))), c.id, c.created_at, CASE WHEN c:Customer THEN c.kind END, toInteger(last(split(elementId(i), ':'))), toInteger(last(split(elementId(successor), ':'))),
    COLLECT { MATCH (c)-[was:WAS_ANCHORED_AT]->(b:Identifier) RETURN toInteger(last(split(elementId(b), ':'))) ORDER BY was.until DESC, was.rev DESC }]) AS register
}
CALL (page) {
  UNWIND page AS i
  MATCH (i)-[l:OBSERVED_TOGETHER]->(o)
  RETURN collect(toInteger(last(split(elementId(i), ':')))) AS a,
    collect(toInteger(last(split(elementId(o), ':')))) AS b,
    collect(l.first_seen) AS first_seen_together,
    collect(l.last_seen) AS last_seen_together,
    collect(l.times_seen) AS times_seen,
    collect(CASE WHEN $w.with_claims THEN CASE WHEN l.proven IS NULL THEN l.sources ELSE [] END END) AS claims
}
RETURN [i IN page | i.key] AS keys,
  [i IN page | toInteger(last(split(elementId(i), ':')))] AS numbers,
  [i IN page | i.first_seen] AS first_seen,
  [i IN page | head([(i)-[:BELONGS_TO]->(c:Customer) | toInteger(last(split(elementId(c), ':')))])] AS customers,
  [i IN page WHERE i:Contested | toInteger(last(split(elementId(i), ':')))] AS contested,
  [i IN page WHERE i:SuperConnector | toInteger(last(split(elementId(i), ':')))] AS super_connectors,
  register, a, b, first_seen_together, last_seen_together, times_seen, claims
