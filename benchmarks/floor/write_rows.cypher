CALL () { UNWIND $w.identifiers AS r
  MERGE (n:Identifier {key: r[0]})
    ON CREATE SET n.space = $w.space, n.type = r[1], n.value = r[2], n.first_seen = r[3], n.last_seen = r[4]
    ON MATCH SET n.last_seen = r[4] }
CALL () { UNWIND $w.links AS r
  MATCH (a:Identifier {key: r[0]}) MATCH (b:Identifier {key: r[1]})
  MERGE (a)-[l:OBSERVED_TOGETHER]-(b)
    ON CREATE SET l.first_seen = r[2], l.last_seen = r[3], l.times_seen = r[4], l.sources = r[5]
    ON MATCH SET l.last_seen = r[3], l.times_seen = l.times_seen + r[4] }
CALL () { UNWIND $w.events AS r
  CREATE (e:Event {key: r[0]}) SET e += r[1]
  WITH e, r MATCH (t:Identifier {key: r[2]}) CREATE (e)-[:ATTRIBUTED_TO]->(t), (e)-[:OBSERVED]->(t)
  WITH e, r UNWIND r[3] AS k MATCH (i:Identifier {key: k}) CREATE (e)-[:OBSERVED]->(i) }
