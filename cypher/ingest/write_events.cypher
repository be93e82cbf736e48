// Purpose: Write events that bring no new identifier, link or order of times: the fast path.
//   Nothing is written when the policy is no longer the one in force.
// Access: write
// Space: keys
// Eager: a batch is at most some hundred rows
// Parameters:
//   w.space: name of the space
//   w.policy_version: version of the policy that the events were read under
//   w.known: known identifiers of the batch, list of [key, first_seen, last_seen], in order
//   w.links_seen: known links, list of [place of a, place of b, first_seen, last_seen, times_seen,
//     sources]; places are those in the known identifiers and then the new ones
//   w.events: list of [key, properties of the node, place of the strongest identifier,
//     places of the others, carries traits]
//   w.accounts: list of [event key, account key, account id, key of its traits or null,
//     traits as JSON, event time]
// Columns:
//   written: boolean
CYPHER replan=skip
MATCH (s:Space {name: $w.space})
CALL () {
  UNWIND range(0, size($w.known) - 1) AS x
  MATCH (i:Identifier {key: $w.known[x][0]})
  WITH x, i ORDER BY x
  RETURN collect(i) AS known
}
WITH known, known AS nodes,
  CASE WHEN s.policy_version = $w.policy_version AND size(known) = size($w.known) THEN $w ELSE {} END AS w
CALL (w, known) {
  UNWIND range(0, coalesce(size(w.known), 0) - 1) AS x
  WITH known[x] AS i, w.known[x] AS r
  SET i.last_seen = CASE WHEN r[2] > i.last_seen THEN r[2] ELSE i.last_seen END
}
CALL (w, nodes) {
  UNWIND w.links_seen AS r
  WITH r, nodes[r[0]] AS a, nodes[r[1]] AS b
  OPTIONAL MATCH (a)-[l:OBSERVED_TOGETHER]->(b)
  SET l.last_seen = CASE WHEN r[3] > l.last_seen THEN r[3] ELSE l.last_seen END,
      l.times_seen = l.times_seen + r[4],
      l.sources = CASE WHEN all(source IN r[5] WHERE source IN l.sources) THEN l.sources
        ELSE l.sources + [source IN r[5] WHERE NOT source IN l.sources] END
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
RETURN w.space IS NOT NULL AS written
