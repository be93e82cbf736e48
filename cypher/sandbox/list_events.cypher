// Purpose: Events of a space as they are stored, in the order of their keys, page by page.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.key: string – key of the last event of the page before, without space and slash; empty at first
//   w.most: integer
// Columns:
//   events: list of [labels, properties, keys of the identifier that it is attributed to, of those that
//     it observed, of accounts that it names, of what it told of them]
MATCH (e:Event)
WHERE e.key > $w.space + '/' + $w.key AND e.key < $w.space + '0' // which follows the slash
WITH e ORDER BY e.key LIMIT $w.most
RETURN collect([
  labels(e), properties(e),
  COLLECT { MATCH (e)-[:ATTRIBUTED_TO]->(i:Identifier) RETURN i.key },
  COLLECT { MATCH (e)-[:OBSERVED]->(i:Identifier) RETURN i.key },
  COLLECT { MATCH (e)-[:NAMES]->(a:Account) RETURN a.key },
  COLLECT { MATCH (e)-[:TOLD]->(t:AccountTraits) RETURN t.key }
]) AS events
