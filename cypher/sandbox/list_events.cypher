// Purpose: Events of a space as they are stored, in the order of their keys, page by page.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.key: string – key of the last event of the page before, without space and slash; empty at first
//   w.most: integer
// Columns:
//   events: list of [labels, properties, list of [type, key, properties] of its relationships to
//     identifiers, accounts and sets of traits of accounts]
MATCH (e:Event)
WHERE e.key > $w.space + '/' + $w.key AND e.key < $w.space + '0' // which follows the slash
WITH e ORDER BY e.key LIMIT $w.most
RETURN collect([
  labels(e), properties(e),
  [(e)-[r:ATTRIBUTED_TO|OBSERVED|DETACHED|NAMES|TOLD]->(x) | [type(r), x.key, properties(r)]]
]) AS events
