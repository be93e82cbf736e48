// Purpose: The traits that the given events name, and the newest events with each of them.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of event keys, those that decide first
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
  OPTIONAL MATCH (e)-[:NAMES]->(a:Account)
  // Most events have the same keys as others. Those that may be of an account stand last.
  WITH n, e.received_at AS received_at, e.trait_keys AS keys,
    CASE WHEN last(e.trait_keys) STARTS WITH '.' THEN '' ELSE a.key END AS account
  WITH keys, account, min(n) AS newest, min(received_at) AS first, collect(CASE WHEN keys IS NULL THEN n END) AS without_keys
  RETURN collect({keys: keys, account: account, newest: newest, first: first, without_keys: without_keys}) AS alike
}
CALL (alike) {
  UNWIND alike AS events
  UNWIND events.without_keys AS n
  WITH n ORDER BY n LIMIT $w.earlier
  RETURN collect($w.keys[n]) AS earlier
}
CALL (alike) {
  UNWIND alike AS events
  UNWIND events.keys AS key
  WITH key, CASE WHEN key STARTS WITH '.' THEN '' ELSE events.account END AS account, min(events.newest) AS newest, min(events.first) AS first
  WITH substring(key, CASE WHEN key STARTS WITH '.' THEN 1 ELSE 16 END) AS name, newest, first
  ORDER BY newest
  WITH name, collect(newest) AS newest, min(first) AS first
  ORDER BY first, name
  WITH collect([name, [n IN newest[..$w.variants] | $w.keys[n]], size(newest)]) AS names
  RETURN size(names) AS named, names[..$w.traits] AS names
}
RETURN named, names, earlier
