// Purpose: Write evidence and the settlement that follows from it, or nothing at all. Nothing is
//   written when one of the things that the settlement rests on has changed since it was read: the
//   policy in force, the retractions, one of the customers, or the judgements that wait for identifiers.
// Access: write
// Space: keys
// Eager: a batch is at most some hundred rows
// Parameters:
//   w.space: name of the space
//   w.policy_version: version of the policy that was applied
//   w.retractions_rev: integer – how often retractions were made or withdrawn, as it was read
//   w.judgements_rev: integer – revision of the judgements that was read, or null when the settlement
//     does not rest on judgements that wait
//   w.unguarded: boolean – a judgement is made or withdrawn about an identifier without a customer, so
//     that the revision of the judgements grows
//   w.now: time of the settlement in milliseconds
//   w.guards: list of [customer id, rev that was read, number of its identifiers], in order of the ids
//   w.locked: keys of all known identifiers that are touched, in order
//   w.unclaimed: keys of known identifiers that had no customer when they were read
//   w.link_counts: list of [identifier key, number of its links that were read]
//   w.identifiers: new identifiers, list of [key, type, value, first_seen, last_seen,
//     properties by which it is looked up]
//   w.returning: keys of those of w.identifiers that are in the graph as unseen
//   w.deferred: list of [key, cause] – identifiers whose component is to be settled later
//   w.settled: list of [key, how often it had been put off] – identifiers that no longer wait
//   w.known: known identifiers of the batch, list of [key, first_seen, last_seen, corrections that were
//     read], in order
//   w.links: new links, list of [position of a, position of b, first_seen, last_seen, times_seen,
//     sources, proven]; positions count w.known first, then w.identifiers
//   w.links_seen: known links, likewise
//   w.made: new judgements, list of maps of the properties of a Judgement
//   w.withdrawn: list of [judgement id, time, author, reason]
//   w.blocked: keys of identifiers that the policy blocks, so that they belong to nobody from now on
//   w.outdated: ids of customers that were settled by an older policy
//   w.unchanged: ids of those of w.guards of which only the policy version is written
//   w.judged: judgements that no longer wait, list of [id, verdict, a_key, b_key, made_at]
//   w.events: list of [key, properties of the node, position of the strongest identifier,
//     positions of the others, carries traits]
//   w.accounts: list of [event key, account key, account id, key of its traits or null,
//     traits as JSON, event time, its receipt, its place], in order of the accounts' keys
//   w.walked: ids of customers whose identifiers were all resolved
//   w.minted: new customers, list of [id, kind]
//   w.revived: retired ids that become customers again, list of [id, kind]
//   w.joins: list of [identifier key, customer id] – identifiers that had no customer
//   w.moves: list of [identifier key, customer id] – identifiers that had another customer
//   w.retired: customers that retire, list of [id, id of the successor or null]
//   w.forwarded: retired ids that get another successor, list of [id, id of the successor or null]
//   w.kinds: list of [customer id, kind]
//   w.anchors: list of [id, identifier key, true where no event carries the former anchor any more, false
//     where the id returns to such a one, else null]
//   w.reserves: list of [id, identifier key] – where ids stand whose anchor is gone
//   w.contested: keys of identifiers that become contested
//   w.released: keys of identifiers that are contested no longer
//   w.super_connectors: keys of identifiers that become super-connectors
//   w.no_super_connectors: keys of identifiers that are super-connectors no longer
//   w.changes: list of [id, kind, customer id, other customer id or null, identifier keys, cause]
// Columns:
//   written: boolean
//   last_position: integer – position of the last change in the ledger, or null without any
//   marked: boolean – the space computes profiles or has a destination, so that what is touched is marked
CYPHER replan=skip
MATCH (s:Space {name: $w.space})
CALL () {
  UNWIND $w.guards AS row
  WITH {id: row[0], rev: row[1], identifiers: row[2]} AS guard
  MATCH (c:Customer {id: guard.id})
  SET c.space = $w.space
  SET c.rev = c.rev + 1
  // Readers may see a commit in part, its revision first. Whoever has the lock sees all of it.
  RETURN count(CASE WHEN c.rev = guard.rev + 1 AND COUNT { (c)<-[:BELONGS_TO]-() } = guard.identifiers THEN 1 END) AS fresh
}
// All locks of identifiers are taken here, in the order in which every writer takes them: a relationship
// locks its ends when it is made or deleted, in any order.
CALL () {
  UNWIND $w.locked AS key
  MATCH (i:Identifier {key: key})
  SET i.space = $w.space
}
CALL () {
  UNWIND $w.unclaimed AS key
  MATCH (i:Identifier {key: key})
  RETURN count(CASE WHEN EXISTS { (i)-[:BELONGS_TO]->(:Customer) } THEN 1 END) AS claimed
}
CALL () {
  UNWIND $w.link_counts AS row
  WITH {key: row[0], links: row[1]} AS walked
  MATCH (i:Identifier {key: walked.key})
  RETURN count(CASE WHEN COUNT { (i)-[:OBSERVED_TOGETHER]-() } = walked.links THEN 1 END) AS as_walked
}
CALL (s) {
  WITH s WHERE $w.unguarded
  SET s.judgements_rev = coalesce(s.judgements_rev, 0) + 1
}
CALL () {
  UNWIND range(0, size($w.known) - 1) AS n
  WITH n, {key: $w.known[n][0]} AS seen
  MATCH (i:Identifier {key: seen.key})
  WITH n, i ORDER BY n
  RETURN collect(i) AS known
}
WITH s, known, claimed = 0 AND fresh = size($w.guards) AND as_walked = size($w.link_counts) AND size(known) = size($w.known) AND s.policy_version = $w.policy_version
  AND coalesce(s.retractions_rev, 0) = $w.retractions_rev
  AND ($w.judgements_rev IS NULL OR coalesce(s.judgements_rev, 0) = $w.judgements_rev + CASE WHEN $w.unguarded THEN 1 ELSE 0 END) AS ok
CALL (ok) {
  WITH ok WHERE NOT ok
  UNWIND $w.guards AS row
  WITH {id: row[0]} AS guard
  MATCH (c:Customer {id: guard.id})
  SET c.rev = c.rev - 1
}
CALL (s, ok) {
  WITH s, ok WHERE $w.unguarded AND NOT ok
  SET s.judgements_rev = s.judgements_rev - 1
}
WITH known, CASE WHEN ok THEN $w ELSE {} END AS w,
  CASE WHEN s.profiles_version IS NOT NULL OR EXISTS { (:Destination {space: s.name}) } THEN timestamp() * 1000 END AS mark
CALL (w, mark) {
  UNWIND w.identifiers AS row
  WITH {key: row[0], type: row[1], value: row[2], first_seen: row[3], last_seen: row[4], looked_up_by: row[5]} AS identifier
  CREATE (i:Identifier {key: identifier.key, space: w.space, type: identifier.type, value: identifier.value, first_seen: identifier.first_seen, last_seen: identifier.last_seen, touched: mark, last_touched: mark})
  SET i += identifier.looked_up_by
  RETURN collect(i) AS created
}
WITH known, known + created AS nodes, w, mark
// All that may have moved is marked: known identifiers, and the profiles of the customers that they leave.
CALL (w, mark) {
  UNWIND CASE WHEN mark IS NULL THEN [] ELSE w.locked END AS key
  MATCH (i:Identifier {key: key})
  SET i.touched = coalesce(i.touched, mark), i.last_touched = CASE WHEN i.last_touched >= mark THEN i.last_touched + 1 ELSE mark END
}
CALL (w, mark) {
  UNWIND CASE WHEN mark IS NULL THEN [] ELSE w.guards END AS row
  WITH {id: row[0]} AS customer
  MATCH (:Customer {id: customer.id})-[:HAS_PROFILE]->(p:Profile)
  SET p.space = w.space
  SET p.touched = CASE WHEN p.touched >= mark THEN p.touched + 1 ELSE mark END
}
CALL (w) {
  UNWIND w.returning AS key
  MATCH (gone:UnseenIdentifier {key: key})
  MATCH (i:Identifier {key: key})
  SET i.corrections = gone.corrections
  WITH gone, i
  CALL (gone, i) {
    MATCH (gone)<-[a:ANCHORED_AT]-(c)
    CREATE (i)<-[:ANCHORED_AT]-(c)
    DELETE a
  }
  CALL (gone, i) {
    MATCH (gone)<-[a:WAS_ANCHORED_AT]-(c)
    CREATE (i)<-[:WAS_ANCHORED_AT {until: a.until, rev: a.rev, unseen: CASE WHEN a.unseen IS NOT NULL THEN false END}]-(c)
    DELETE a
  }
  CALL (gone, i) {
    MATCH (gone)<-[d:DETACHED]-(e)
    CREATE (i)<-[:DETACHED {judgements: d.judgements, detached_at: d.detached_at, attached_at: d.attached_at}]-(e)
    DELETE d
  }
  DELETE gone
}
CALL (w) {
  UNWIND w.deferred AS row
  WITH {key: row[0], cause: row[1]} AS deferred
  MATCH (i:Identifier {key: deferred.key})
  SET i:Unsettled, i.deferrals = coalesce(i.deferrals, 0) + 1, i.deferred_cause = deferred.cause
}
CALL (w) {
  UNWIND w.settled AS row
  WITH {key: row[0], deferrals: row[1]} AS settled
  MATCH (i:Identifier {key: settled.key})
  WITH i, settled WHERE coalesce(i.deferrals, 0) = settled.deferrals
  REMOVE i:Unsettled
}
CALL (w, known) {
  UNWIND range(0, coalesce(size(w.known), 0) - 1) AS n
  WITH known[n] AS i, {first_seen: w.known[n][1], last_seen: w.known[n][2], corrections: w.known[n][3]} AS seen
  // As in write_events: where a judgement took an event away since it was read, all ends here.
  SET i.first_seen = CASE WHEN coalesce(i.corrections, 0) <> seen.corrections THEN seen.first_seen / 0
    WHEN seen.first_seen < i.first_seen THEN seen.first_seen ELSE i.first_seen END,
      i.last_seen = CASE WHEN seen.last_seen > i.last_seen THEN seen.last_seen ELSE i.last_seen END
}
CALL (w, nodes) {
  UNWIND w.links AS row
  WITH {a: row[0], b: row[1], first_seen: row[2], last_seen: row[3], times_seen: row[4], sources: row[5], proven: row[6]} AS link
  WITH link, nodes[link.a] AS a, nodes[link.b] AS b
  MERGE (a)-[l:OBSERVED_TOGETHER]->(b)
    ON CREATE SET l.first_seen = link.first_seen, l.last_seen = link.last_seen, l.times_seen = link.times_seen, l.sources = link.sources, l.proven = link.proven
    // Another process may have created it after it was found missing, but before the subgraph was read.
    ON MATCH SET l.first_seen = CASE WHEN link.first_seen < l.first_seen THEN link.first_seen ELSE l.first_seen END,
      l.last_seen = CASE WHEN link.last_seen > l.last_seen THEN link.last_seen ELSE l.last_seen END,
      l.times_seen = l.times_seen + link.times_seen,
      l.sources = l.sources + [source IN link.sources WHERE NOT source IN l.sources],
      l.proven = coalesce(l.proven, link.proven)
}
CALL (w, nodes) {
  UNWIND w.links_seen AS row
  WITH {a: row[0], b: row[1], first_seen: row[2], last_seen: row[3], times_seen: row[4], sources: row[5], proven: row[6]} AS link
  WITH link, nodes[link.a] AS a, nodes[link.b] AS b
  OPTIONAL MATCH (a)-[l:OBSERVED_TOGETHER]->(b)
  SET l.first_seen = CASE WHEN link.first_seen < l.first_seen THEN link.first_seen ELSE l.first_seen END,
      l.last_seen = CASE WHEN link.last_seen > l.last_seen THEN link.last_seen ELSE l.last_seen END,
      l.times_seen = l.times_seen + link.times_seen,
      l.sources = CASE WHEN all(source IN link.sources WHERE source IN l.sources) THEN l.sources
        ELSE l.sources + [source IN link.sources WHERE NOT source IN l.sources] END,
      l.proven = coalesce(l.proven, link.proven)
}
CALL (w) {
  UNWIND w.made AS properties
  CREATE (j:Judgement)
  SET j = properties
}
CALL (w) {
  UNWIND w.withdrawn AS row
  WITH {id: row[0], at: row[1], author: row[2], reason: row[3]} AS withdrawal
  MATCH (j:Judgement {id: withdrawal.id})
  SET j.withdrawn_at = withdrawal.at, j.withdrawn_by = withdrawal.author, j.withdrawn_reason = withdrawal.reason
  WITH j
  MATCH (:Identifier {key: j.a_key})-[made:JUDGED_SAME|JUDGED_APART]-() WHERE made.id = j.id
  DELETE made
}
CALL (w) {
  UNWIND w.unchanged AS id
  MATCH (c:Customer {id: id})
  SET c.rev = c.rev - 1
}
// Identifiers that the rollout of a policy marked as blocked have kept their customers until now.
CALL (w) {
  UNWIND w.outdated AS id
  MATCH (c:Customer {id: id})<-[b:BELONGS_TO]-(i:Blocked)
  OPTIONAL MATCH (i)<-[:ANCHORED_AT]-(:RetiredId)-[f:FORWARDS_TO]->()
  DELETE b, f
  REMOVE i:Contested, i:SuperConnector
  SET c.rev = c.rev + 1
}
CALL (w) {
  UNWIND w.blocked AS key
  MATCH (i:Identifier {key: key})
  SET i:Blocked
  REMOVE i:Contested, i:SuperConnector, i:Unsettled
  WITH i
  MATCH (i)-[b:BELONGS_TO]->()
  DELETE b
}
CALL (w) {
  UNWIND w.judged AS row
  WITH {id: row[0], verdict: row[1], a_key: row[2], b_key: row[3], made_at: row[4]} AS judgement
  WHERE judgement.verdict = 'same'
  MATCH (a:Identifier {key: judgement.a_key})
  MATCH (b:Identifier {key: judgement.b_key})
  MERGE (a)-[j:JUDGED_SAME {id: judgement.id}]->(b)
    ON CREATE SET j.made_at = judgement.made_at
}
CALL (w) {
  UNWIND w.judged AS row
  WITH {id: row[0], verdict: row[1], a_key: row[2], b_key: row[3], made_at: row[4]} AS judgement
  WHERE judgement.verdict = 'apart'
  MATCH (a:Identifier {key: judgement.a_key})
  MATCH (b:Identifier {key: judgement.b_key})
  MERGE (a)-[j:JUDGED_APART {id: judgement.id}]->(b)
    ON CREATE SET j.made_at = judgement.made_at
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
CALL (w) {
  UNWIND w.reserves AS row
  WITH {id: row[0], key: row[1]} AS reserve
  MATCH (c:Customer {id: reserve.id})
  MATCH (i:Identifier {key: reserve.key})
  // As if the id had left it before everything: whatever it really left comes first.
  WITH c, i, COUNT { (c)-[:WAS_ANCHORED_AT]->() } AS left_before
  MERGE (c)-[was:WAS_ANCHORED_AT {until: 0}]->(i)
    ON CREATE SET was.rev = -left_before
}
CALL (w) {
  UNWIND w.minted AS row
  WITH {id: row[0], kind: row[1]} AS minted
  CREATE (:Customer {id: minted.id, space: w.space, kind: minted.kind, created_at: w.now, rev: 1})
}
CALL (w) {
  UNWIND w.revived AS row
  WITH {id: row[0], kind: row[1]} AS revived
  MATCH (c:RetiredId {id: revived.id})
  OPTIONAL MATCH (c)-[f:FORWARDS_TO]->()
  DELETE f
  REMOVE c:RetiredId
  SET c:Customer, c.kind = revived.kind, c.rev = c.rev + 1
}
CALL (w) {
  UNWIND w.joins AS row
  WITH {key: row[0], customer_id: row[1]} AS join
  MATCH (i:Identifier {key: join.key})
  CALL (i) {
    // An identifier without a customer that belongs to a retired id was lost by an earlier version.
    MATCH (i)-[b:BELONGS_TO]->()
    DELETE b
  }
  MATCH (c:Customer {id: join.customer_id})
  REMOVE i:Blocked
  CREATE (i)-[:BELONGS_TO]->(c)
}
CALL (w) {
  UNWIND w.moves AS row
  WITH {key: row[0], customer_id: row[1]} AS move
  MATCH (i:Identifier {key: move.key})-[b:BELONGS_TO]->()
  DELETE b
  WITH i, move
  MATCH (c:Customer {id: move.customer_id})
  CREATE (i)-[:BELONGS_TO]->(c)
}
CALL (w) {
  UNWIND w.anchors AS row
  WITH {id: row[0], key: row[1], unseen: row[2]} AS anchor
  MATCH (c:Customer {id: anchor.id})
  OPTIONAL MATCH (c)-[old:ANCHORED_AT]->(before:Identifier)
  // The former anchor is kept, so that the register can be read as of a moment.
  FOREACH (_ IN CASE WHEN old IS NULL THEN [] ELSE [1] END | CREATE (c)-[:WAS_ANCHORED_AT {until: w.now, rev: c.rev, unseen: anchor.unseen}]->(before))
  DELETE old
  WITH c, anchor
  MATCH (i:Identifier {key: anchor.key})
  CREATE (c)-[:ANCHORED_AT]->(i)
}
CALL (w) {
  UNWIND w.retired AS row
  WITH {id: row[0], successor_id: row[1]} AS retired
  MATCH (c:Customer {id: retired.id})
  REMOVE c:Customer
  SET c:RetiredId
  WITH c, retired
  MATCH (successor:Customer {id: retired.successor_id})
  CREATE (c)-[:FORWARDS_TO]->(successor)
}
CALL (w) {
  UNWIND w.forwarded AS row
  WITH {id: row[0], successor_id: row[1]} AS forwarded
  MATCH (c:RetiredId {id: forwarded.id})
  OPTIONAL MATCH (c)-[f:FORWARDS_TO]->()
  DELETE f
  WITH c, forwarded
  MATCH (successor:Customer {id: forwarded.successor_id})
  CREATE (c)-[:FORWARDS_TO]->(successor)
}
CALL (w) {
  UNWIND w.kinds AS row
  WITH {id: row[0], kind: row[1]} AS customer
  MATCH (c:Customer {id: customer.id})
  SET c.kind = customer.kind
}
CALL (w) {
  UNWIND w.contested AS key
  MATCH (i:Identifier {key: key})
  SET i:Contested
}
CALL (w) {
  UNWIND w.released AS key
  MATCH (i:Identifier {key: key})
  REMOVE i:Contested
}
CALL (w) {
  UNWIND w.super_connectors AS key
  MATCH (i:Identifier {key: key})
  SET i:SuperConnector
}
CALL (w) {
  UNWIND w.no_super_connectors AS key
  MATCH (i:Identifier {key: key})
  REMOVE i:SuperConnector
}
CALL (w) {
  UNWIND w.guards + w.minted + w.revived AS row
  WITH {id: row[0]} AS customer
  MATCH (c:Customer {id: customer.id})
  SET c.settled_at = w.now
}
CALL (w) {
  UNWIND [id IN w.walked | [id]] + w.minted + w.revived AS row
  WITH {id: row[0]} AS customer
  MATCH (c:Customer {id: customer.id})
  SET c.policy_version = w.policy_version
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
RETURN w.space IS NOT NULL AS written, last_position, mark IS NOT NULL AS marked
