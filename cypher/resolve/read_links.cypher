// Purpose: Pairs of identifiers as they are stored, each with the link between them if they were
//   ever observed together.
// Access: read
// Space: keys
// Parameters:
//   w.pairs: list of pairs [identifier key, identifier key]
// Columns:
//   links: list of [a, b, first_seen, last_seen, times_seen, sources] in that order, without pairs of
//     which one does not exist; a and b are
//     [key, type, value, first_seen, last_seen, contested, super-connector]; the rest is null where
//     there is no link
UNWIND range(0, size($w.pairs) - 1) AS n
WITH n, $w.pairs[n][0] AS a_key, $w.pairs[n][1] AS b_key
MATCH (a:Identifier {key: a_key})
MATCH (b:Identifier {key: b_key})
OPTIONAL MATCH (a)-[l:OBSERVED_TOGETHER]-(b)
WITH n, a, b, l ORDER BY n
RETURN collect([
  [a.key, a.type, a.value, a.first_seen, a.last_seen, a:Contested, a:SuperConnector],
  [b.key, b.type, b.value, b.first_seen, b.last_seen, b:Contested, b:SuperConnector],
  l.first_seen, l.last_seen, l.times_seen, l.sources
]) AS links
