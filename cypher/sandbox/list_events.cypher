// Purpose: Events of a space as they are stored, in the order of their keys, page by page.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.key: string – key of the last event of the page before, without space and slash; empty at first
//   w.most: integer
//   w.bytes: integer – most bytes of the events, though never less than one event
// Columns:
//   events: list of [labels, properties, list of [type, key, properties] of its relationships to
//     identifiers, accounts and sets of traits of accounts]
MATCH (e:Event)
WHERE e.key > $w.space + '/' + $w.key AND e.key < $w.space + '0' // which follows the slash
WITH e ORDER BY e.key LIMIT $w.most
WITH collect(e) AS found, collect(coalesce(e.stored_bytes, size(e.properties) + size(coalesce(e.context, '')))) AS sizes
WITH found, reduce(page = {rows: 0, bytes: 0}, bytes IN sizes |
  {rows: page.rows + CASE WHEN page.rows = 0 OR page.bytes + bytes <= $w.bytes THEN 1 ELSE 0 END, bytes: page.bytes + bytes}) AS page
UNWIND found[..page.rows] AS e
RETURN collect([
  labels(e), properties(e),
  [(e)-[r:ATTRIBUTED_TO|OBSERVED|DETACHED|NAMES|TOLD]->(x) | [type(r), x.key, properties(r)]]
]) AS events
