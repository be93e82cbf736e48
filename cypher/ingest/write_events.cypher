// Purpose: Write events without a new identifier or link, and without an earlier time of a known one:
//   the fast path. Nothing is written when the policy is no longer the one in force, when a
//   retraction was made or withdrawn, when an identifier or a link is not known, or when one of the
//   message ids in question is.
// Access: write
// Space: keys
// Eager: a batch is at most some hundred rows
// Parameters:
//   w.space: name of the space
//   w.policy_version: version of the policy that the events were read under
//   w.retractions_rev: integer – how often retractions were made or withdrawn, as it was read
//   w.unread: of events of which nobody read whether they are stored, the two keys between which all
//     with their message id lie, list of [from, below]
//   w.known: known identifiers of the batch, list of [key, first_seen, last_seen, corrections that were
//     read], in order
//   w.links_seen: known links, list of [position of a, position of b, first_seen, last_seen,
//     times_seen, sources, proven]; positions are those in w.known
//   w.events: list of [key, properties of the node, position of the strongest identifier,
//     positions of the others, carries traits]
//   w.accounts: list of [event key, account key, account id, key of its traits or null,
//     traits as JSON, event time, its receipt, its place], in order of the accounts' keys
// Columns:
//   written: boolean
//   marked: boolean – the space computes profiles or has a destination, so that what is touched is marked
CYPHER replan=skip
MATCH (s:Space {name: $w.space})
CALL () {
  UNWIND range(0, size($w.known) - 1) AS n
  WITH n, {key: $w.known[n][0]} AS seen
  MATCH (i:Identifier {key: seen.key})
  WITH n, i ORDER BY n
  SET i.space = $w.space
  RETURN collect(i) AS known
}
CALL () {
  UNWIND $w.unread AS row
  WITH {lowest: row[0], below: row[1]} AS keys
  MATCH (e:Event) WHERE e.key >= keys.lowest AND e.key < keys.below
  RETURN count(e) AS stored
}
WITH known, known AS nodes,
  CASE WHEN stored = 0 AND s.policy_version = $w.policy_version AND coalesce(s.retractions_rev, 0) = $w.retractions_rev AND size(known) = size($w.known)
    THEN $w ELSE {} END AS w,
  CASE WHEN s.profiles_version IS NOT NULL OR EXISTS { (:Destination {space: s.name}) } THEN timestamp() * 1000 END AS mark
CALL (w, known, mark) {
  UNWIND range(0, coalesce(size(w.known), 0) - 1) AS n
  WITH known[n] AS i, {last_seen: w.known[n][2], corrections: w.known[n][3]} AS seen
  // Where a judgement took an event away since it was read, the division by zero ends the transaction.
  SET i.last_seen = CASE WHEN coalesce(i.corrections, 0) <> seen.corrections THEN seen.last_seen / 0
    WHEN seen.last_seen > i.last_seen THEN seen.last_seen ELSE i.last_seen END,
      i.touched = coalesce(i.touched, mark), i.last_touched = CASE WHEN i.last_touched >= mark THEN i.last_touched + 1 ELSE mark END
}
CALL (w, nodes) {
  UNWIND w.links_seen AS row
  WITH {a: row[0], b: row[1], last_seen: row[3], times_seen: row[4], sources: row[5], proven: row[6]} AS link
  WITH link, nodes[link.a] AS a, nodes[link.b] AS b
  OPTIONAL MATCH (a)-[l:OBSERVED_TOGETHER]->(b)
  // As above, where the link has gone.
  WITH link, l, CASE WHEN l IS NULL THEN link.times_seen / 0 ELSE link.times_seen END AS times_seen
  SET l.last_seen = CASE WHEN link.last_seen > l.last_seen THEN link.last_seen ELSE l.last_seen END,
      l.times_seen = l.times_seen + times_seen,
      l.sources = CASE WHEN all(source IN link.sources WHERE source IN l.sources) THEN l.sources
        ELSE l.sources + [source IN link.sources WHERE NOT source IN l.sources] END,
      l.proven = coalesce(l.proven, link.proven)
}
CALL (w, nodes) {
  UNWIND w.events AS row
  WITH {key: row[0], properties: row[1], strongest: row[2], others: row[3], carries_traits: row[4]} AS event
  CREATE (e:Event {key: event.key})
  SET e += event.properties
  FOREACH (_ IN CASE WHEN event.carries_traits THEN [1] ELSE [] END | SET e:CarriesTraits)
  WITH e, event, nodes[event.strongest] AS i
  CREATE (e)-[:ATTRIBUTED_TO]->(i), (e)-[:OBSERVED]->(i)
  WITH e, event
  UNWIND event.others AS n
  WITH e, nodes[n] AS i
  CREATE (e)-[:OBSERVED]->(i)
}
CALL (w) {
  UNWIND w.accounts AS row
  WITH {event_key: row[0], key: row[1], id: row[2], traits_key: row[3], traits: row[4], at: row[5], received_at: row[6],
    place: row[7]} AS account
  MATCH (e:Event {key: account.event_key})
  MERGE (a:Account {key: account.key})
    ON CREATE SET a.account_id = account.id
  SET a.space = w.space
  CREATE (e)-[:NAMES]->(a)
  WITH e, a, account WHERE account.traits_key IS NOT NULL
  MERGE (t:AccountTraits {key: account.traits_key})
    ON CREATE SET t.space = w.space, t.traits = account.traits, t.last_seen = account.at,
      t.last_received_at = account.received_at, t.last_place = account.place
    ON MATCH SET t += CASE WHEN t.last_seen IS NULL OR [t.last_seen, coalesce(t.last_received_at, 0), coalesce(t.last_place, 0)]
        < [account.at, account.received_at, account.place]
      THEN {last_seen: account.at, last_received_at: account.received_at, last_place: account.place} ELSE {} END
  MERGE (a)-[:DESCRIBED_AS]->(t)
  CREATE (e)-[:TOLD]->(t)
}
RETURN w.space IS NOT NULL AS written, mark IS NOT NULL AS marked
