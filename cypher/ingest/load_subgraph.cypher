// Purpose: The subgraph that a new decision about the given identifiers rests on: all identifiers that
//   can be reached from them, with their links, judgements, customers and entries in the id register.
//   The walk ends at super-connectors and, unless `cross_boundary`, at contested identifiers; of
//   these boundary nodes only what the boundary rules need is loaded.
//   Each part reads what is committed when it runs, so the parts may be of different moments. What
//   a decision is guarded by, revisions first of all, is read before what it rests on.
// Access: read
// Space: keys
// Parameters:
//   w.starts: list of identifier keys to walk from
//   w.boundary: list of identifier keys that are boundary nodes themselves
//   w.cross_boundary: boolean – also walk through contested identifiers
//   w.limited_sources: sources whose word alone joins no two persons; where there are any, links tell
//     which sources alone they rest on
//   w.persons: the types of persons
//   w.most: how many identifiers at most, plus one
//   w.policy_version: integer – the version in force
//   w.owners: how many customers at most to name as owners of a boundary node
//   w.co_members: how many identifiers at most to load of a boundary node's customer
//   w.stronger: map from identifier type to the person types that are stronger
//   w.stronger_than_other: the person types that are stronger than a type not in that map
// Columns:
//   interior: list of the identifier keys that the walk reached
//   nodes: list of [key, first_seen, customer id or null, contested, super-connector]
//   guards: list of [customer id, rev, number of its identifiers]
//   interior_links: list of [a_key, b_key, first_seen, last_seen, times_seen, sources or null]; sources
//     without any proven event, if asked for
//   blocked_links: links to blocked identifiers, list of [a_key, b_key]
//   interior_same: list of [key, key of an identifier judged the same that a walk goes on to]
//   co_member_links: the same, a list for each boundary node
//   customers: list of [id, kind, created_at, anchor key, policy_version, keys of earlier anchors,
//     the last one first]
//   cut_off_by_block: keys of identifiers that may be connected with their customer only through a
//     blocked identifier, which no walk crosses; of customers that the version in force has not
//     settled yet
//   anchored: the other ids that are or were anchored at one of the nodes, list of [id, created_at,
//     kind or null, anchor key, id that it forwards to or null, keys of earlier anchors]
//   displaced: ids that are alive, but not with their anchor, list of [id, key of an identifier]
//   judgements: list of [id, verdict, a_key, b_key, made_at]
//   boundary: list of [key, super-connector, number of links, owners, co_members, judged same]
//   opened: keys of boundary nodes at which no walk ends any more
CYPHER replan=skip
CALL () {
  UNWIND $w.starts AS key
  MATCH (s:Identifier {key: key})
  CALL (s) {
    MATCH (s) ((x)-[:OBSERVED_TOGETHER|JUDGED_SAME]-(y) WHERE NOT y:SuperConnector AND NOT y:Blocked AND ($w.cross_boundary OR NOT y:Contested))* (t:Identifier)
    WITH DISTINCT t LIMIT $w.most
    RETURN collect(t) AS found
  }
  UNWIND found AS t
  WITH DISTINCT t LIMIT $w.most
  RETURN collect(t) AS interior
}
CALL (interior) {
  UNWIND interior AS t
  MATCH (t)-[:BELONGS_TO]->(c:Customer)
  WITH DISTINCT c
  RETURN collect([c.id, c.rev, COUNT { (c)<-[:BELONGS_TO]-() }]) AS interior_guards
}
CALL (interior) {
  UNWIND interior AS t
  MATCH (t)-[l:OBSERVED_TOGETHER]-(o:Identifier)
  WITH collect(DISTINCT CASE WHEN NOT o:Blocked THEN l END) AS links,
       collect(DISTINCT CASE WHEN o:Blocked THEN l END) AS links_to_blocked,
       collect(DISTINCT CASE WHEN NOT o:Blocked AND (o:SuperConnector OR (o:Contested AND NOT $w.cross_boundary)) THEN o END) AS boundary_reached
  RETURN [l IN links | [startNode(l).key, endNode(l).key, l.first_seen, l.last_seen, l.times_seen, CASE WHEN size($w.limited_sources) > 0 AND l.proven IS NULL THEN l.sources END]] AS interior_links,
         [l IN links_to_blocked | [startNode(l).key, endNode(l).key]] AS blocked_links,
         boundary_reached
}
CALL (interior) {
  UNWIND interior AS t
  MATCH (t)-[:JUDGED_SAME]-(o:Identifier) WHERE NOT o:SuperConnector AND NOT o:Blocked AND ($w.cross_boundary OR NOT o:Contested)
  RETURN collect([t.key, o.key]) AS interior_same
}
CALL () {
  UNWIND $w.boundary AS key
  MATCH (d:Identifier {key: key})
  RETURN collect(d) AS boundary_asked
}
CALL (boundary_reached, boundary_asked) {
  UNWIND boundary_reached + boundary_asked AS d
  WITH DISTINCT d
  RETURN collect(d) AS ends
}
CALL (ends) {
  UNWIND ends AS d
  MATCH (d)-[:BELONGS_TO]->(c:Customer)
  WITH DISTINCT c
  RETURN collect([c.id, c.rev, COUNT { (c)<-[:BELONGS_TO]-() }]) AS boundary_guards
}
CALL (ends) {
  UNWIND ends AS d
  CALL (d) {
    WITH d WHERE NOT d:SuperConnector
    MATCH (d)-[l:OBSERVED_TOGETHER]-(n:Identifier) WHERE n.type IN coalesce($w.stronger[d.type], $w.stronger_than_other)
      // One that is unconfirmed makes no owner.
      AND (l.proven OR NOT d.type IN $w.persons OR any(source IN l.sources WHERE NOT source IN $w.limited_sources))
    MATCH (n)-[:BELONGS_TO]->(c:Customer)
    // Another person that d was seen with may speak for n (rule 6): then n makes no owner.
    WHERE NOT EXISTS {
      MATCH (n)-[:OBSERVED_TOGETHER]-(z:Identifier)-[:OBSERVED_TOGETHER]-(d)
      WHERE z.type IN coalesce($w.stronger[n.type], $w.stronger_than_other) AND NOT (z)-[:BELONGS_TO]->(c)
    }
    WITH DISTINCT c LIMIT $w.owners
    RETURN collect(c.id) AS owners
  }
  CALL (d) {
    MATCH (d)-[:BELONGS_TO]->(c:Customer)
    MATCH (c)<-[:BELONGS_TO]-(m:Identifier)
    WITH m LIMIT $w.co_members
    RETURN collect(m) AS co_members
  }
  CALL (d, co_members) {
    UNWIND co_members AS m
    MATCH (m)-[l:OBSERVED_TOGETHER]-(o:Identifier) WHERE o IN co_members
    WITH DISTINCT l
    RETURN collect([startNode(l).key, endNode(l).key, l.first_seen, l.last_seen, l.times_seen, CASE WHEN size($w.limited_sources) > 0 AND l.proven IS NULL THEN l.sources END]) AS inner_links
  }
  CALL (d) {
    MATCH (d)-[:JUDGED_SAME]-(o:Identifier) WHERE NOT o:Blocked
    RETURN collect(o.key) AS judged
  }
  RETURN collect([d.key, d:SuperConnector, COUNT { (d)-[:OBSERVED_TOGETHER]-() }, owners, size(co_members), judged]) AS boundary,
         collect(d) AS boundary_nodes, collect(co_members) AS co_members_of_each, collect(inner_links) AS co_member_links
}
CALL (interior, boundary_nodes, co_members_of_each) {
  UNWIND [interior, boundary_nodes] + co_members_of_each AS some
  UNWIND some AS t
  WITH DISTINCT t
  OPTIONAL MATCH (t)-[:BELONGS_TO]->(c:Customer)
  RETURN collect([t.key, t.first_seen, c.id, t:Contested, t:SuperConnector]) AS nodes,
         collect(t) AS all_nodes, collect(DISTINCT c) AS all_customers
}
CALL (all_customers) {
  UNWIND all_customers AS c
  MATCH (c)-[:ANCHORED_AT]->(a:Identifier)
  RETURN collect([c.id, c.kind, c.created_at, a.key, c.policy_version,
    COLLECT { MATCH (c)-[was:WAS_ANCHORED_AT]->(b:Identifier) RETURN b.key ORDER BY was.until DESC, was.rev DESC }]) AS customers
}
CALL (all_customers) {
  UNWIND all_customers AS c
  WITH c WHERE c.policy_version < $w.policy_version AND EXISTS { (c)<-[:BELONGS_TO]-(:Blocked) }
  MATCH (c)<-[:BELONGS_TO]-(m:Identifier) WHERE NOT m:Blocked
  RETURN collect(m.key) AS cut_off_by_block
}
CALL (all_nodes) {
  UNWIND all_nodes AS t
  MATCH (t)<-[:ANCHORED_AT|WAS_ANCHORED_AT]-(r) WHERE r:RetiredId OR NOT (t)-[:BELONGS_TO]->(r)
  WITH DISTINCT r
  MATCH (r)-[:ANCHORED_AT]->(a:Identifier)
  OPTIONAL MATCH (r)-[:FORWARDS_TO]->(c:Customer)
  RETURN collect([r.id, r.created_at, CASE WHEN r:Customer THEN r.kind END, a.key, c.id,
      COLLECT { MATCH (r)-[was:WAS_ANCHORED_AT]->(b:Identifier) RETURN b.key ORDER BY was.until DESC, was.rev DESC }]) AS anchored,
    collect(r) AS others_anchored
}
CALL (all_customers, others_anchored) {
  UNWIND all_customers + others_anchored AS r
  WITH DISTINCT r
  MATCH (r)-[:ANCHORED_AT]->(a:Identifier) WHERE r:Customer AND NOT (a)-[:BELONGS_TO]->(r)
  WITH r, COLLECT { MATCH (r)<-[:BELONGS_TO]-(m:Identifier) RETURN m.key ORDER BY m:Blocked LIMIT 1 } AS members
  RETURN collect([r.id, head(members)]) AS displaced
}
CALL (all_nodes) {
  UNWIND all_nodes AS t
  MATCH (t)-[j:JUDGED_SAME|JUDGED_APART]-(:Identifier)
  RETURN collect(DISTINCT [j.id, type(j), startNode(j).key, endNode(j).key, j.made_at]) AS judgements
}
RETURN [t IN interior | t.key] AS interior, nodes, interior_guards + boundary_guards AS guards, interior_links, blocked_links, interior_same, co_member_links, customers, cut_off_by_block, anchored, displaced, judgements, boundary,
  [d IN boundary_nodes WHERE NOT d:SuperConnector AND NOT d:Blocked AND ($w.cross_boundary OR NOT d:Contested) | d.key] AS opened
