// Purpose: Write evidence and the settlement that follows from it, or nothing at all: nothing
//   when the policy is no longer the one in force or a customer that the settlement rests on
//   has changed since it was read, or a judgement that may wait for what is new.
// Access: write
// Space: keys
// Eager: a batch is at most some hundred rows
// Parameters:
//   w.space: name of the space
//   w.policy_version: version of the policy that was applied
//   w.judgements_rev: integer that was read, or null when nothing rests on judgements that wait
//   w.unguarded: boolean: a judgement is made or withdrawn that no customer guards
//   w.now: time of the settlement in milliseconds
//   w.guards: list of [customer id, rev that was read], in order of the ids
//   w.unclaimed: keys of known identifiers that had no customer when they were read
//   w.identifiers: new identifiers, list of [key, type, value, first_seen, last_seen]
//   w.unsettled: keys of new identifiers whose component is too large to be settled
//   w.settled: keys of identifiers that no longer wait for the settlement of a policy
//   w.known: known identifiers of the batch, list of [key, first_seen, last_seen], in order
//   w.links: new links, list of [place of a, place of b, first_seen, last_seen, times_seen,
//     sources]; places are those in the known identifiers and then the new ones
//   w.links_seen: known links, likewise
//   w.made: new judgements, list of maps of the properties of a Judgement
//   w.withdrawn: list of [judgement id, time, author, reason]
//   w.blocked: keys of identifiers that the policy blocks, and that belong to nobody from now on
//   w.outdated: ids of customers that were settled by an older policy
//   w.unchanged: ids of those of w.guards about which nothing is written but the policy's version
//   w.judged: judgements that no longer wait, list of [id, verdict, a_key, b_key, made_at]
//   w.events: list of [key, properties of the node, place of the strongest identifier,
//     places of the others, carries traits]
//   w.accounts: list of [event key, account key, account id, key of its traits or null,
//     traits as JSON, event time]
//   w.walked: ids of customers about which all was decided
//   w.minted: new customers, list of [id, kind]
//   w.revived: retired ids that live again, list of [id, kind]
//   w.joins: list of [identifier key, customer id] of identifiers that had no customer
//   w.moves: list of [identifier key, customer id] of identifiers that leave another
//   w.retired: customers that retire, list of [id, id that carries on or null]
//   w.forwarded: retired ids that forward elsewhere, list of [id, id that carries on or null]
//   w.kinds: list of [customer id, kind]
//   w.anchors: list of [id, identifier key]
//   w.contested: keys of identifiers that become contested
//   w.released: keys of identifiers that no longer are
//   w.super_connectors: keys of identifiers that become super-connectors
//   w.no_super_connectors: keys of identifiers that no longer are
//   w.changes: list of [id, kind, customer id, other id or null, identifier keys, cause]
// Columns:
//   written: boolean
//   last_position: integer – position of the last of the changes, or null without any
CYPHER replan=skip
MATCH (s:Space {name: $w.space})
CALL () {
  UNWIND $w.guards AS g
  MATCH (c:Customer {id: g[0]})
  SET c.rev = c.rev + 1
  RETURN count(CASE WHEN c.rev = g[1] + 1 THEN 1 END) AS fresh
}
CALL () {
  UNWIND $w.unclaimed AS key
  MATCH (i:Identifier {key: key})
  SET i.space = i.space // takes its lock
  RETURN count(CASE WHEN EXISTS { (i)-[:BELONGS_TO]->() } THEN 1 END) AS claimed
}
CALL (s) {
  WITH s WHERE $w.unguarded
  SET s.judgements_rev = coalesce(s.judgements_rev, 0) + 1
}
CALL () {
  UNWIND range(0, size($w.known) - 1) AS x
  MATCH (i:Identifier {key: $w.known[x][0]})
  WITH x, i ORDER BY x
  RETURN collect(i) AS known
}
WITH s, known, claimed = 0 AND fresh = size($w.guards) AND size(known) = size($w.known) AND s.policy_version = $w.policy_version
  AND ($w.judgements_rev IS NULL OR coalesce(s.judgements_rev, 0) = $w.judgements_rev + CASE WHEN $w.unguarded THEN 1 ELSE 0 END) AS ok
CALL (ok) {
  WITH ok WHERE NOT ok
  UNWIND $w.guards AS g
  MATCH (c:Customer {id: g[0]})
  SET c.rev = c.rev - 1
}
CALL (s, ok) {
  WITH s, ok WHERE $w.unguarded AND NOT ok
  SET s.judgements_rev = s.judgements_rev - 1
}
WITH known, CASE WHEN ok THEN $w ELSE {} END AS w
CALL (w) {
  UNWIND w.identifiers AS r
  CREATE (i:Identifier {key: r[0], space: w.space, type: r[1], value: r[2], first_seen: r[3], last_seen: r[4]})
  RETURN collect(i) AS created
}
WITH known, known + created AS nodes, w
CALL (w) {
  UNWIND w.unsettled AS key
  MATCH (i:Identifier {key: key})
  SET i:Unsettled
}
CALL (w) {
  UNWIND w.settled AS key
  MATCH (i:Identifier {key: key})
  REMOVE i:Unsettled
}
CALL (w, known) {
  UNWIND range(0, coalesce(size(w.known), 0) - 1) AS x
  WITH known[x] AS i, w.known[x] AS r
  SET i.first_seen = CASE WHEN r[1] < i.first_seen THEN r[1] ELSE i.first_seen END,
      i.last_seen = CASE WHEN r[2] > i.last_seen THEN r[2] ELSE i.last_seen END
}
CALL (w, nodes) {
  UNWIND w.links AS r
  WITH r, nodes[r[0]] AS a, nodes[r[1]] AS b
  MERGE (a)-[l:OBSERVED_TOGETHER]->(b)
    ON CREATE SET l.first_seen = r[2], l.last_seen = r[3], l.times_seen = r[4], l.sources = r[5]
    // Another process may have made it after it was found missing, but before the region was read.
    ON MATCH SET l.first_seen = CASE WHEN r[2] < l.first_seen THEN r[2] ELSE l.first_seen END,
      l.last_seen = CASE WHEN r[3] > l.last_seen THEN r[3] ELSE l.last_seen END,
      l.times_seen = l.times_seen + r[4],
      l.sources = l.sources + [source IN r[5] WHERE NOT source IN l.sources]
}
CALL (w, nodes) {
  UNWIND w.links_seen AS r
  WITH r, nodes[r[0]] AS a, nodes[r[1]] AS b
  OPTIONAL MATCH (a)-[l:OBSERVED_TOGETHER]->(b)
  SET l.first_seen = CASE WHEN r[2] < l.first_seen THEN r[2] ELSE l.first_seen END,
      l.last_seen = CASE WHEN r[3] > l.last_seen THEN r[3] ELSE l.last_seen END,
      l.times_seen = l.times_seen + r[4],
      l.sources = CASE WHEN all(source IN r[5] WHERE source IN l.sources) THEN l.sources
        ELSE l.sources + [source IN r[5] WHERE NOT source IN l.sources] END
}
CALL (w) {
  UNWIND w.made AS r
  CREATE (j:Judgement)
  SET j = r
}
CALL (w) {
  UNWIND w.withdrawn AS r
  MATCH (j:Judgement {id: r[0]})
  SET j.withdrawn_at = r[1], j.withdrawn_by = r[2], j.withdrawn_reason = r[3]
  WITH j
  MATCH (:Identifier {key: j.a_key})-[made:JUDGED_SAME|JUDGED_APART]-() WHERE made.id = j.id
  DELETE made
}
CALL (w) {
  UNWIND w.unchanged AS id
  MATCH (c:Customer {id: id})
  SET c.rev = c.rev - 1
}
// Identifiers that a settlement marked as blocked are left with their customers until now.
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
  UNWIND [r IN w.judged WHERE r[1] = 'same'] AS r
  MATCH (a:Identifier {key: r[2]})
  MATCH (b:Identifier {key: r[3]})
  MERGE (a)-[j:JUDGED_SAME {id: r[0]}]->(b)
    ON CREATE SET j.made_at = r[4]
}
CALL (w) {
  UNWIND [r IN w.judged WHERE r[1] = 'apart'] AS r
  MATCH (a:Identifier {key: r[2]})
  MATCH (b:Identifier {key: r[3]})
  MERGE (a)-[j:JUDGED_APART {id: r[0]}]->(b)
    ON CREATE SET j.made_at = r[4]
}
CALL (w, nodes) {
  UNWIND w.events AS r
  CREATE (e:Event {key: r[0]})
  SET e += r[1]
  FOREACH (_ IN CASE WHEN r[4] THEN [1] ELSE [] END | SET e:CarriesTraits)
  WITH e, r, nodes, nodes[r[2]] AS t
  CREATE (e)-[:ATTRIBUTED_TO]->(t), (e)-[:OBSERVED]->(t)
  WITH e, nodes, r
  UNWIND r[3] AS place
  WITH e, nodes[place] AS i
  CREATE (e)-[:OBSERVED]->(i)
}
CALL (w) {
  UNWIND w.accounts AS r
  MATCH (e:Event {key: r[0]})
  MERGE (a:Account {key: r[1]})
    ON CREATE SET a.space = w.space, a.account_id = r[2]
  CREATE (e)-[:NAMES]->(a)
  WITH w, e, a, r WHERE r[3] IS NOT NULL
  MERGE (t:AccountTraits {key: r[3]})
    ON CREATE SET t.space = w.space, t.traits = r[4], t.last_seen = r[5]
    ON MATCH SET t.last_seen = CASE WHEN r[5] > t.last_seen THEN r[5] ELSE t.last_seen END
  MERGE (a)-[:DESCRIBED_AS]->(t)
  CREATE (e)-[:TOLD]->(t)
}
CALL (w) {
  UNWIND w.minted AS r
  CREATE (:Customer {id: r[0], space: w.space, kind: r[1], created_at: w.now, rev: 1})
}
CALL (w) {
  UNWIND w.revived AS r
  MATCH (c:RetiredId {id: r[0]})
  OPTIONAL MATCH (c)-[f:FORWARDS_TO]->()
  DELETE f
  REMOVE c:RetiredId
  SET c:Customer, c.kind = r[1], c.rev = c.rev + 1
}
CALL (w) {
  UNWIND w.joins AS r
  MATCH (i:Identifier {key: r[0]})
  MATCH (c:Customer {id: r[1]})
  REMOVE i:Blocked
  CREATE (i)-[:BELONGS_TO]->(c)
}
CALL (w) {
  UNWIND w.moves AS r
  MATCH (i:Identifier {key: r[0]})-[b:BELONGS_TO]->()
  DELETE b
  WITH i, r
  MATCH (c:Customer {id: r[1]})
  CREATE (i)-[:BELONGS_TO]->(c)
}
CALL (w) {
  UNWIND w.retired AS r
  MATCH (c:Customer {id: r[0]})
  REMOVE c:Customer
  SET c:RetiredId
  WITH c, r
  MATCH (successor:Customer {id: r[1]})
  CREATE (c)-[:FORWARDS_TO]->(successor)
}
CALL (w) {
  UNWIND w.forwarded AS r
  MATCH (c:RetiredId {id: r[0]})
  OPTIONAL MATCH (c)-[f:FORWARDS_TO]->()
  DELETE f
  WITH c, r
  MATCH (successor:Customer {id: r[1]})
  CREATE (c)-[:FORWARDS_TO]->(successor)
}
CALL (w) {
  UNWIND w.kinds AS r
  MATCH (c:Customer {id: r[0]})
  SET c.kind = r[1]
}
CALL (w) {
  UNWIND w.anchors AS r
  MATCH (c:Customer {id: r[0]})
  OPTIONAL MATCH (c)-[old:ANCHORED_AT]->(before:Identifier)
  // What it was anchored at is kept: the register can be read as it was at any moment.
  FOREACH (_ IN CASE WHEN old IS NULL THEN [] ELSE [1] END | CREATE (c)-[:WAS_ANCHORED_AT {until: w.now, rev: c.rev}]->(before))
  DELETE old
  WITH c, r
  MATCH (i:Identifier {key: r[1]})
  CREATE (c)-[:ANCHORED_AT]->(i)
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
  UNWIND [g IN w.guards | g[0]] + [r IN w.minted | r[0]] + [r IN w.revived | r[0]] AS id
  MATCH (c:Customer {id: id})
  SET c.settled_at = w.now
}
CALL (w) {
  UNWIND w.walked + [r IN w.minted | r[0]] + [r IN w.revived | r[0]] AS id
  MATCH (c:Customer {id: id})
  SET c.policy_version = w.policy_version
}
CALL (w) {
  WITH w WHERE size(w.changes) > 0
  MATCH (s:Space {name: w.space})
  // Its lock is held until the commit, so that positions follow the order of commits. It is
  // taken last, so that another writer waits for no more than the commit.
  SET s.last_position = s.last_position + size(w.changes)
  WITH w, s.last_position - size(w.changes) AS before
  UNWIND range(0, size(w.changes) - 1) AS place
  WITH w, w.changes[place] AS r, before + place + 1 AS position
  CREATE (:Change {id: r[0], space: w.space, position: position, kind: r[1], at: w.now, customer_id: r[2], other_customer_id: r[3], identifiers: r[4], cause: r[5], policy_version: w.policy_version})
  RETURN max(position) AS last_position
}
RETURN w.space IS NOT NULL AS written, last_position
