// Purpose: Links of the identifiers of a customer, to each other and to others, most often observed first,
//   without those to identifiers that the policy blocks.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.customer: string – customer id
//   w.most: integer
// Columns:
//   links: list of [a, b, first_seen, last_seen, times_seen, sources]; a and b are
//     [key, type, value, first_seen, last_seen, contested, super-connector]
MATCH (c:Customer {id: $w.customer})
WHERE c.space = $w.space
MATCH (c)<-[:BELONGS_TO]-(:Identifier)-[l:OBSERVED_TOGETHER]-(:Identifier)
WITH DISTINCT l, startNode(l) AS a, endNode(l) AS b WHERE NOT a:Blocked AND NOT b:Blocked
ORDER BY l.times_seen DESC, a.key, b.key LIMIT $w.most
RETURN collect([
  [a.key, a.type, a.value, a.first_seen, a.last_seen, a:Contested, a:SuperConnector],
  [b.key, b.type, b.value, b.first_seen, b.last_seen, b:Contested, b:SuperConnector],
  l.first_seen, l.last_seen, l.times_seen, l.sources
]) AS links
