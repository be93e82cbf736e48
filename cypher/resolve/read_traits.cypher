// Purpose: The traits that events of the given customers name, the newest events with each of them, and the
//   traits of the accounts that these events name.
// Access: read
// Space: w.customers
// Parameters:
//   w.customers: list of [space, customer id, limited sources]
//   w.traits: integer – most traits of one customer, those that were reported first
//   w.variants: integer – most events with one trait
//   w.bytes: integer – most bytes of events of one customer, and of the sets of one account, though
//     never less than one
//   w.sets: integer – most sets of traits of one account, the newest
//   w.earlier: integer – most events of one customer without trait keys, the newest
// Columns:
//   traits: list of [space, customer id, how many traits are named, names, events, accounts]; names are lists
//     of [name, keys of the newest events with it, how many variants there are];
//     events are lists of [[at, received_at, place, key], whether it has trait keys, source,
//     whether that is limited and the event without a proof, traits JSON or null, context traits JSON or null, account keys,
//     [key, type, value, first_seen, last_seen, contested, super-connector]], the small ones first;
//     accounts are lists of [account key, traits JSON]
UNWIND $w.customers AS row
WITH row[0] AS space, row[1] AS id, row[2] AS limited
MATCH (c:Customer {id: id})
WHERE c.space = space
CALL (c, limited) {
  MATCH (c)<-[:BELONGS_TO]-(:Identifier)<-[:ATTRIBUTED_TO]-(e:CarriesTraits)
  WITH e ORDER BY e.proven IS NULL AND e.source IN limited, e.at DESC, e.received_at DESC, coalesce(e.place, 0) DESC, e.key DESC
  RETURN collect(e) AS events
}
CALL (events) {
  UNWIND range(0, size(events) - 1) AS n
  WITH n, events[n] AS e
  OPTIONAL MATCH (e)-[:NAMES]->(a:Account)
  // Most events have the same keys as others. Those that may be of an account stand last.
  WITH n, e.received_at AS received_at, e.trait_keys AS keys,
    CASE WHEN last(e.trait_keys) STARTS WITH '.' THEN '' ELSE a.key END AS account
  WITH keys, account, min(n) AS newest, min(received_at) AS first
  UNWIND keys AS key
  WITH key, CASE WHEN key STARTS WITH '.' THEN '' ELSE account END AS account, min(newest) AS newest, min(first) AS first
  WITH substring(key, CASE WHEN key STARTS WITH '.' THEN 1 ELSE 16 END) AS name, newest, first
  ORDER BY newest
  WITH name, collect(newest) AS newest, min(first) AS first
  ORDER BY first, name
  WITH collect({name: name, newest: newest[..$w.variants], variants: size(newest)}) AS names
  RETURN size(names) AS named, names[..$w.traits] AS names
}
CALL (names) {
  UNWIND names AS name
  UNWIND name.newest AS n
  WITH DISTINCT n
  RETURN collect(n) AS newest
}
CALL (events, newest, limited) {
  UNWIND newest + [n IN range(0, size(events) - 1) WHERE events[n].trait_keys IS NULL][..$w.earlier] AS n
  WITH events[n] AS e
  WITH e, coalesce(e.stored_bytes, size(coalesce(e.traits, '')) + size(coalesce(e.context_traits, ''))) AS bytes
  ORDER BY bytes, e.key
  WITH collect(e) AS smallest, collect(bytes) AS sizes
  WITH smallest, reduce(page = {rows: 0, bytes: 0}, bytes IN sizes |
    {rows: page.rows + CASE WHEN page.rows = 0 OR page.bytes + bytes <= $w.bytes THEN 1 ELSE 0 END, bytes: page.bytes + bytes}) AS page
  UNWIND smallest[..page.rows] AS e
  MATCH (e)-[:ATTRIBUTED_TO]->(i:Identifier)
  RETURN collect([
    [e.at, e.received_at, coalesce(e.place, 0), e.key], e.trait_keys IS NOT NULL, e.source, e.proven IS NULL AND e.source IN limited, e.traits, e.context_traits,
    COLLECT { MATCH (e)-[:NAMES]->(a:Account) RETURN a.key },
    [i.key, i.type, i.value, i.first_seen, i.last_seen, i:Contested, i:SuperConnector]
  ]) AS read, collect(e) AS nodes
}
CALL (nodes) {
  UNWIND nodes AS e
  MATCH (e)-[:NAMES]->(a:Account)
  WITH DISTINCT a
  CALL (a) {
    MATCH (a)-[:DESCRIBED_AS]->(d:AccountTraits) WHERE d.last_seen IS NOT NULL
    WITH d ORDER BY d.last_seen DESC, d.key LIMIT $w.sets
    WITH collect(d.traits) AS sets
    WITH sets, reduce(page = {rows: 0, bytes: 0}, traits IN sets |
      {rows: page.rows + CASE WHEN page.rows = 0 OR page.bytes + size(traits) <= $w.bytes THEN 1 ELSE 0 END, bytes: page.bytes + size(traits)}) AS page
    UNWIND sets[..page.rows] AS traits
    RETURN traits
  }
  RETURN collect([a.key, traits]) AS accounts
}
RETURN collect([space, id, named, [name IN names | [name.name, [n IN name.newest | events[n].key], name.variants]], read, accounts]) AS traits
