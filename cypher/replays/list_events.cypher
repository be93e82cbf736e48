// Purpose: The events of a source in the order of their receipt, page by page, with all that they were when they were read.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.source: string
//   w.at: integer – receipt of the last event of the page before
//   w.key: string – key of that event, empty at first
//   w.most: integer – most events to look at, those of other sources too
//   w.bytes: integer – most bytes of the events, though never less than one event
// Columns:
//   last: [received_at, key] of the last event that was looked at, null when there was none
//   events: list of [properties of the node, keys of its identifiers, ids of its accounts]
MATCH (e:Event {space: $w.space})
WHERE e.received_at >= $w.at AND (e.received_at > $w.at OR e.key > $w.key)
WITH e ORDER BY e.space, e.received_at, e.key LIMIT $w.most
WITH collect(e) AS found, collect(
  CASE WHEN e.source = $w.source THEN coalesce(e.stored_bytes, size(e.properties) + size(coalesce(e.context, ''))) ELSE 0 END
) AS sizes
WITH found, reduce(page = {rows: 0, bytes: 0}, bytes IN sizes |
  {rows: page.rows + CASE WHEN page.rows = 0 OR page.bytes + bytes <= $w.bytes THEN 1 ELSE 0 END, bytes: page.bytes + bytes}) AS page
WITH found[..page.rows] AS page
WITH page, last(page) AS last
RETURN CASE WHEN last IS NOT NULL THEN [last.received_at, last.key] END AS last, COLLECT {
  UNWIND page AS e
  WITH e WHERE e.source = $w.source
  RETURN [
    properties(e),
    COLLECT { MATCH (e)-[:OBSERVED|DETACHED]->(i) RETURN DISTINCT i.key },
    COLLECT { MATCH (e)-[:NAMES]->(a:Account) RETURN a.account_id }
  ]
} AS events
