// Purpose: Which events, identifiers and links of a batch the graph already holds, and the
//   judgements that wait for an identifier that is new in the batch.
// Access: read
// Space: keys
// Parameters:
//   w.space: name of the space
//   w.events: list of [key, key in earlier versions, what all keys with its message id begin with]
//   w.identifiers: list of identifier keys
//   w.links: list of [position of the lower, position of the higher], those in w.identifiers
//   w.with_claims: boolean – tell of links which sources alone they rest on
// Columns:
//   judgements_rev: integer – grows when a judgement is made or withdrawn that may wait for an
//     identifier
//   events: list of the positions of events that are known
//   named: list of the positions of events whose message id is known
//   identifiers: list of [position, first_seen, customer id or null, contested, super-connector, blocked,
//     corrections]
//   unseen: list of positions of those that every event lost which carried them
//   links: list of [position, first_seen, sources or null]; sources without any proven event, if asked for
//   waiting: list of [judgement id, verdict, a_key, b_key, made_at]
CYPHER replan=skip
OPTIONAL MATCH (s:Space {name: $w.space})
// Read before everything else, so that the rest is at least as new.
WITH coalesce(s.judgements_rev, 0) AS judgements_rev
CALL () {
  UNWIND range(0, size($w.events) - 1) AS x
  WITH x, $w.events[x][0] AS key, $w.events[x][1] AS earlier_key
  MATCH (e:Event) WHERE e.key IN [key, earlier_key]
  RETURN collect(x) AS events
}
CALL () {
  UNWIND range(0, size($w.events) - 1) AS x
  WITH x, $w.events[x][2] AS keys
  CALL (keys) {
    MATCH (e:Event) WHERE e.key STARTS WITH keys
    RETURN e LIMIT 1
  }
  RETURN collect(x) AS named
}
CALL () {
  UNWIND range(0, size($w.identifiers) - 1) AS x
  OPTIONAL MATCH (i:Identifier {key: $w.identifiers[x]})
  OPTIONAL MATCH (i)-[:BELONGS_TO]->(c:Customer)
  WITH x, i, c ORDER BY x
  // A list of lists, since `collect` leaves out null: positions stay those of $w.identifiers.
  RETURN collect([i]) AS nodes, collect(CASE WHEN i IS NOT NULL THEN x END) AS known,
    collect(CASE WHEN i IS NOT NULL THEN [x, i.first_seen, c.id, i:Contested, i:SuperConnector, i:Blocked, coalesce(i.corrections, 0)] END) AS identifiers
}
CALL (nodes) {
  UNWIND range(0, size($w.links) - 1) AS x
  WITH x, $w.links[x][0] AS a, $w.links[x][1] AS b
  WITH x, head(nodes[a]) AS a, head(nodes[b]) AS b
  WHERE a IS NOT NULL AND b IS NOT NULL
  OPTIONAL MATCH (a)-[l:OBSERVED_TOGETHER]->(b)
  RETURN collect(CASE WHEN l IS NOT NULL THEN [x, l.first_seen, CASE WHEN $w.with_claims AND l.proven IS NULL THEN l.sources END] END) AS links
}
CALL (known) {
  UNWIND CASE WHEN size(known) = size($w.identifiers) THEN [] ELSE range(0, size($w.identifiers) - 1) END AS x
  WITH x WHERE NOT x IN known
  CALL (x) {
    MATCH (j:Judgement {a_key: $w.identifiers[x]}) WHERE j.withdrawn_at IS NULL AND j.b_key IS NOT NULL RETURN j
    UNION
    MATCH (j:Judgement {b_key: $w.identifiers[x]}) WHERE j.withdrawn_at IS NULL RETURN j
  }
  RETURN collect(DISTINCT [j.id, j.verdict, j.a_key, j.b_key, j.made_at]) AS waiting
}
CALL (known) {
  UNWIND CASE WHEN size(known) = size($w.identifiers) THEN [] ELSE range(0, size($w.identifiers) - 1) END AS x
  WITH x WHERE NOT x IN known
  MATCH (:UnseenIdentifier {key: $w.identifiers[x]})
  RETURN collect(x) AS unseen
}
RETURN judgements_rev, events, named, identifiers, unseen, links, waiting
