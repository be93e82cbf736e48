CALL () {
  UNWIND $w.identifiers AS r
  CREATE (:Identifier {key: r[0], space: $w.space, type: r[1], value: r[2], first_seen: r[3], last_seen: r[3]})
}
CALL () {
  UNWIND $w.customers AS r
  CREATE (c:Customer {id: r[0], space: $w.space, kind: r[1], created_at: 0, rev: 1, policy_version: 1})
  WITH c, r
  MATCH (anchor:Identifier {key: r[2]})
  CREATE (c)-[:ANCHORED_AT]->(anchor)
  WITH c, r
  UNWIND r[3] AS key
  MATCH (i:Identifier {key: key})
  CREATE (i)-[:BELONGS_TO]->(c)
}
CALL () {
  UNWIND $w.links AS r
  MATCH (a:Identifier {key: r[0]})
  MATCH (b:Identifier {key: r[1]})
  CREATE (a)-[:OBSERVED_TOGETHER {first_seen: r[2], last_seen: r[3], times_seen: r[4], sources: ['shop']}]->(b)
}
CALL () {
  UNWIND $w.contested AS key
  MATCH (i:Identifier {key: key})
  SET i:Contested
}
CALL () {
  UNWIND $w.super_connectors AS key
  MATCH (i:Identifier {key: key})
  SET i:SuperConnector
}
FINISH
