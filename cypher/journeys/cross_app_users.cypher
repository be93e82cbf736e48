// Purpose: How many customers did a step in both of two apps, for every two sources.
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
//   w.first: integer – the most rows
// Columns:
//   source: string – a source
//   other_source: string – another one, later in text order
//   customers: integer – with a step in both
//   share: float – of the customers with a step in either
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
    AND e.at >= $w.since AND e.at < $w.until AND e.step IS NOT NULL
  RETURN collect(DISTINCT e.source) AS sources
}
WITH sources, count(*) AS customers
UNWIND sources AS source
UNWIND sources AS other_source
WITH source, other_source, sum(customers) AS customers
WITH collect([source, other_source, customers]) AS pairs, collect(CASE WHEN source = other_source THEN {source: source, customers: customers} END) AS each
UNWIND pairs AS row
WITH row[0] AS source, row[1] AS other_source, row[2] AS customers, each
WHERE source < other_source
WITH source, other_source, customers,
  reduce(sum = 0, x IN each | sum + CASE WHEN x.source IN [source, other_source] THEN x.customers ELSE 0 END) - customers AS either
RETURN source, other_source, customers, toFloat(customers) / either AS share
ORDER BY customers DESC, source, other_source LIMIT $w.first
