// Purpose: Which steps follow which: one path of each customer, cut into its transitions.
//   A path begins at the first start event and ends at the first end event after it; a path with an
//   end alone is the transitions that lead to it, the last of them at position `depth`.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.since: integer – the first moment that counts, in milliseconds
//   w.until: integer – the moment before which events count
//   w.kinds: list of the kinds of customers that count
//   w.did: string or null – only customers who did this step in the range
//   w.property: string or null – only customers with this property, `p_…`, on an event
//   w.value: string or null – its value, as text
//   w.audience: string or null – only customers in this audience, as it was computed last
//   w.feature: string or null – only customers whose profile has this value, `f_…`
//   w.feature_value: string or null – the value, as text
//   w.start_event: string or null – where a path begins; null: at the first step
//   w.end_event: string or null – where a path ends; null: after `depth` transitions
//   w.depth: integer – the most transitions of a path
//   w.names: integer – how many of the most frequent steps keep their name
//   w.first: integer – the most rows
// Columns:
//   step: integer – the position of the transition in the path, from 1
//   from: string
//   to: string
//   customers: integer
CALL () {
  MATCH (c:Customer)
  WHERE c.space = $w.space AND c.policy_version IS NOT NULL
  RETURN count(*) AS customers
}
CALL () {
  MATCH (e:Event)
  USING INDEX e:Event(space, at)
  WHERE e.space = $w.space AND e.at >= $w.since AND e.at < $w.until
  RETURN count(*) AS events
}
WITH events < 2 * customers AS few
// Customers of few events are found by these; for many it is quicker to look at every customer.
CALL (few) {
  WITH few WHERE few
  MATCH (e:Event)
  USING INDEX e:Event(space, at)
  WHERE e.space = $w.space AND e.at >= $w.since AND e.at < $w.until
  MATCH (e)-[:ATTRIBUTED_TO]->(i:Identifier)
  WITH DISTINCT i
  MATCH (i)-[:BELONGS_TO]->(c:Customer)
  RETURN DISTINCT c
  UNION ALL
  WITH few WHERE NOT few
  MATCH (c:Customer)
  WHERE c.space = $w.space AND c.policy_version IS NOT NULL
  RETURN c
}
WITH c
WHERE c.kind IN $w.kinds AND (($w.did IS NULL AND $w.property IS NULL) OR EXISTS {
    MATCH (c)<-[:BELONGS_TO]-(:Identifier)<-[:ATTRIBUTED_TO]-(x:Event)
    WHERE x.at >= $w.since AND x.at < $w.until
      AND ($w.did IS NULL OR x.step = $w.did)
      AND ($w.property IS NULL OR toString(x[$w.property]) = $w.value) })
  AND (($w.audience IS NULL AND $w.feature IS NULL) OR EXISTS {
    MATCH (c)-[:HAS_PROFILE]->(p:Profile)
    WHERE ($w.audience IS NULL OR $w.audience IN p.audiences)
      AND ($w.feature IS NULL OR toString(p[$w.feature]) = $w.feature_value
        OR p[$w.feature] = toFloat($w.feature_value)) })
CALL (c) {
  MATCH (c)<-[:BELONGS_TO]-(i:Identifier)<-[:ATTRIBUTED_TO]-(e:Event)
  WHERE i.last_seen >= $w.since AND i.first_seen < $w.until
    AND e.at >= $w.since AND e.at < $w.until
    AND e.step IS NOT NULL
  WITH e.step AS step ORDER BY e.at, e.received_at, coalesce(e.place, 0), e.key
  RETURN collect(step) AS walk
}
WITH walk, CASE WHEN $w.start_event IS NULL THEN 0
  ELSE head([n IN range(0, size(walk) - 1) WHERE walk[n] = $w.start_event]) END AS start
WHERE start IS NOT NULL
WITH walk, start, CASE WHEN $w.end_event IS NULL THEN size(walk) - 1
  ELSE head([n IN range(CASE WHEN $w.start_event IS NULL THEN 0 ELSE start + 1 END, size(walk) - 1)
    WHERE walk[n] = $w.end_event]) END AS end
WHERE start <= end
WITH walk, start, end, end - start > $w.depth AS too_long,
  $w.start_event IS NULL AND $w.end_event IS NOT NULL AS backwards
WITH walk, CASE WHEN too_long AND backwards THEN end - $w.depth ELSE start END AS start,
  CASE WHEN too_long AND NOT backwards THEN start + $w.depth ELSE end END AS end, backwards
WITH walk[start..end + 1] AS path, backwards
WITH path, CASE WHEN backwards THEN $w.depth - size(path) + 2 ELSE 1 END AS place
UNWIND range(0, size(path) - 1) AS n
// Counted before steps are grouped as other, so that equal transitions are held once. The last step has no next: `to` is null.
WITH place + n AS step, path[n] AS from, path[n + 1] AS to, count(*) AS customers
WITH collect([step, from, to, customers]) AS counted
CALL (counted) {
  UNWIND counted AS row
  WITH row[1] AS step, row[3] AS customers
  WITH step, sum(customers) AS times
  ORDER BY coalesce(step IN [$w.start_event, $w.end_event], false) DESC, times DESC, step LIMIT $w.names
  RETURN collect(step) AS named
}
UNWIND counted AS row
WITH named, row[0] AS step, row[1] AS from, row[2] AS to, row[3] AS customers
WHERE to IS NOT NULL
WITH step, CASE WHEN from IN named THEN from ELSE '(other)' END AS from,
  CASE WHEN to IN named THEN to ELSE '(other)' END AS to, sum(customers) AS customers
ORDER BY customers DESC, step, from, to LIMIT $w.first
RETURN step, from, to, customers
ORDER BY step, customers DESC, from, to
