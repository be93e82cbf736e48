// Purpose: Write events that bring no new identifier, link or order of times: the fast path.
//   Nothing is written when the policy is no longer the one in force.
// Access: write
// Space: keys
// Eager: a batch is at most some hundred rows
// Parameters:
//   w.space: name of the space
//   w.policy_version: version of the policy that the events were read under
//   w.identifiers_seen: list of [key, first_seen, last_seen]
//   w.links_seen: list of [a_key, b_key, first_seen, last_seen, times_seen, sources]
//   w.events: list of [key, properties of the node, key of the strongest identifier,
//     keys of the others, carries traits]
//   w.accounts: list of [event key, account key, account id, key of its traits or null,
//     traits as JSON, event time]
// Columns:
//   written: boolean
MATCH (s:Space {name: $w.space})
WITH CASE WHEN s.policy_version = $w.policy_version THEN $w ELSE {} END AS w
CALL (w) {
  UNWIND w.identifiers_seen AS r
  MATCH (i:Identifier {key: r[0]})
  SET i.last_seen = CASE WHEN r[2] > i.last_seen THEN r[2] ELSE i.last_seen END
}
CALL (w) {
  UNWIND w.links_seen AS r
  MATCH (a:Identifier {key: r[0]})
  MATCH (b:Identifier {key: r[1]})
  OPTIONAL MATCH (a)-[l:OBSERVED_TOGETHER]->(b)
  SET l.last_seen = CASE WHEN r[3] > l.last_seen THEN r[3] ELSE l.last_seen END,
      l.times_seen = l.times_seen + r[4],
      l.sources = l.sources + [source IN r[5] WHERE NOT source IN l.sources]
}
CALL (w) {
  UNWIND w.events AS r
  CREATE (e:Event {key: r[0]})
  SET e += r[1]
  FOREACH (_ IN CASE WHEN r[4] THEN [1] ELSE [] END | SET e:CarriesTraits)
  WITH e, r
  MATCH (t:Identifier {key: r[2]})
  CREATE (e)-[:ATTRIBUTED_TO]->(t), (e)-[:OBSERVED]->(t)
  WITH e, r
  UNWIND r[3] AS key
  MATCH (i:Identifier {key: key})
  CREATE (e)-[:OBSERVED]->(i)
}
CALL (w) {
  UNWIND w.accounts AS r
  MATCH (e:Event {key: r[0]})
  MERGE (a:Account {key: r[1]})
    ON CREATE SET a.space = w.space, a.account_id = r[2]
  CREATE (e)-[:NAMES]->(a)
  WITH w, a, r WHERE r[3] IS NOT NULL
  MERGE (t:AccountTraits {key: r[3]})
    ON CREATE SET t.space = w.space, t.traits = r[4], t.last_seen = r[5]
    ON MATCH SET t.last_seen = CASE WHEN r[5] > t.last_seen THEN r[5] ELSE t.last_seen END
  MERGE (a)-[:DESCRIBED_AS]->(t)
}
RETURN w.space IS NOT NULL AS written
