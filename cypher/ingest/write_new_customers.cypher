// Purpose: Write events of which every identifier is new, and the customers that follow from them. Nobody
//   read anything before: nothing is written when the policy is no longer the one in force, when a
//   retraction was made or withdrawn, when a message id is stored, or when an identifier is known, was
//   known before, or is waited for by a judgement.
// Access: write
// Space: keys
// Eager: a batch is at most some hundred rows
// Parameters:
//   w.space: name of the space
//   w.policy_version: version of the policy that was applied
//   w.retractions_rev: integer – how often retractions were made or withdrawn, as it was read
//   w.now: time of the settlement in milliseconds
//   w.unread: the two keys between which all events with one of the message ids lie, list of [from, below]
//   w.identifiers: list of [key, type, value, first_seen, last_seen,
//     properties by which it is looked up], in order
//   w.links: list of [position of a, position of b, first_seen, last_seen, times_seen, sources, proven];
//     positions are those in w.identifiers
//   w.events: list of [key, properties of the node, position of the strongest identifier,
//     positions of the others, carries traits]
//   w.accounts: list of [event key, account key, account id, key of its traits or null,
//     traits as JSON, event time, its receipt, its place], in order of the accounts' keys
//   w.customers: list of [id, kind, position of the anchor, positions of the identifiers]
//   w.contested: positions of identifiers that are contested
//   w.super_connectors: positions of identifiers that are super-connectors
//   w.changes: list of [id, kind, customer id, other customer id or null, identifier keys, cause]
// Columns:
//   written: boolean
//   last_position: integer – position of the last change in the ledger, or null where nothing was written
//   marked: boolean – the space computes profiles or has a destination, so that what is touched is marked
CYPHER replan=skip
MATCH (s:Space {name: $w.space})
CALL () {
  UNWIND $w.unread AS row
  WITH {lowest: row[0], below: row[1]} AS keys
  MATCH (e:Event) WHERE e.key >= keys.lowest AND e.key < keys.below
  RETURN count(e) AS stored
}
CALL () {
  UNWIND $w.identifiers AS row
  WITH {key: row[0]} AS identifier
  CALL (identifier) {
    MATCH (i:Identifier {key: identifier.key}) RETURN i AS found
    UNION
    MATCH (j:Judgement {a_key: identifier.key}) WHERE j.withdrawn_at IS NULL AND j.b_key IS NOT NULL RETURN j AS found
    UNION
    MATCH (j:Judgement {b_key: identifier.key}) WHERE j.withdrawn_at IS NULL RETURN j AS found
  }
  RETURN count(found) AS met
}
WITH CASE WHEN stored = 0 AND met = 0 AND s.policy_version = $w.policy_version AND coalesce(s.retractions_rev, 0) = $w.retractions_rev
    THEN $w ELSE {} END AS w,
  CASE WHEN s.profiles_version IS NOT NULL OR EXISTS { (:Destination {space: s.name}) } THEN timestamp() * 1000 END AS mark
CALL (w, mark) {
  UNWIND w.identifiers AS row
  WITH {key: row[0], type: row[1], value: row[2], first_seen: row[3], last_seen: row[4], looked_up_by: row[5]} AS identifier
  CREATE (i:Identifier {key: identifier.key, space: w.space, type: identifier.type, value: identifier.value, first_seen: identifier.first_seen, last_seen: identifier.last_seen, touched: mark, last_touched: mark})
  SET i += identifier.looked_up_by
  RETURN collect(i) AS nodes
}
CALL (w, nodes) {
  UNWIND w.links AS row
  WITH {a: row[0], b: row[1], first_seen: row[2], last_seen: row[3], times_seen: row[4], sources: row[5], proven: row[6]} AS link
  WITH link, nodes[link.a] AS a, nodes[link.b] AS b
  CREATE (a)-[:OBSERVED_TOGETHER {first_seen: link.first_seen, last_seen: link.last_seen, times_seen: link.times_seen, sources: link.sources, proven: link.proven}]->(b)
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
CALL (w, nodes) {
  UNWIND w.customers AS row
  WITH {id: row[0], kind: row[1], anchor: row[2], identifiers: row[3]} AS customer
  CREATE (c:Customer {id: customer.id, space: w.space, kind: customer.kind, created_at: w.now, settled_at: w.now, rev: 1, policy_version: w.policy_version})
  WITH c, customer, nodes[customer.anchor] AS anchor
  CREATE (c)-[:ANCHORED_AT]->(anchor)
  WITH c, customer
  UNWIND customer.identifiers AS n
  WITH c, nodes[n] AS i
  CREATE (i)-[:BELONGS_TO]->(c)
}
CALL (w, nodes) {
  UNWIND w.contested AS n
  WITH nodes[n] AS i
  SET i:Contested
}
CALL (w, nodes) {
  UNWIND w.super_connectors AS n
  WITH nodes[n] AS i
  SET i:SuperConnector
}
CALL (w) {
  WITH w WHERE size(w.changes) > 0
  MATCH (s:Space {name: w.space})
  // The lock of the space is held until the commit, so that positions follow the order of commits.
  // It is taken last, so that another writer waits for no more than the commit.
  SET s.last_position = s.last_position + size(w.changes)
  WITH s.last_position - size(w.changes) AS before
  UNWIND range(0, size(w.changes) - 1) AS n
  WITH before + n + 1 AS position, w.changes[n] AS row
  WITH position, {id: row[0], kind: row[1], customer_id: row[2], other_customer_id: row[3], identifiers: row[4], cause: row[5]} AS change
  CREATE (:Change {id: change.id, space: w.space, position: position, kind: change.kind, at: w.now, customer_id: change.customer_id, other_customer_id: change.other_customer_id, identifiers: change.identifiers, cause: change.cause, policy_version: w.policy_version})
  RETURN max(position) AS last_position
}
// Read once the space is locked. A correction that makes an identifier unseen locks it first, so it
// has ended by now. As in write_events, the division by zero ends the transaction.
CALL (w) {
  UNWIND w.identifiers AS row
  WITH {key: row[0], first_seen: row[3]} AS identifier
  MATCH (gone:UnseenIdentifier {key: identifier.key})
  SET gone.key = identifier.first_seen / 0
}
RETURN w.space IS NOT NULL AS written, last_position, mark IS NOT NULL AS marked
