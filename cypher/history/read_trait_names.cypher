// Purpose: The traits that the given events name, and the newest events with each of them.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of event keys, newest first
//   w.traits: integer – most traits, those that were reported first
//   w.variants: integer – most events with one trait
//   w.earlier: integer – most events without trait keys, the newest
// Columns:
//   named: integer – how many traits are named
//   names: list of [name, keys of the newest events with it, how many variants there are]
//   earlier: list of keys of events without trait keys
CALL () {
  UNWIND range(0, size($w.keys) - 1) AS n
  WITH n, $w.keys[n] AS key
  MATCH (e:Event {key: key})
  WITH n, e, head([(e)-[:NAMES]->(a:Account) | a.key]) AS account
  UNWIND e.trait_keys AS key
  WITH key, CASE WHEN key STARTS WITH '.' THEN '' ELSE account END AS account, min(n) AS newest, min(e.received_at) AS first
  WITH substring(key, CASE WHEN key STARTS WITH '.' THEN 1 ELSE 16 END) AS name, newest, first
  ORDER BY newest
  WITH name, collect(newest) AS newest, min(first) AS first
  ORDER BY first, name
  WITH collect([name, [n IN newest[..$w.variants] | $w.keys[n]], size(newest)]) AS names
  RETURN size(names) AS named, names[..$w.traits] AS names
}
CALL () {
  UNWIND range(0, size($w.keys) - 1) AS n
  WITH n, $w.keys[n] AS key
  MATCH (e:Event {key: key})
  WHERE e.trait_keys IS NULL
  WITH n, e ORDER BY n LIMIT $w.earlier
  RETURN collect(e.key) AS earlier
}
RETURN named, names, earlier
