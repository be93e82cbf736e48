// Purpose: How many customers of a week come back in later weeks. Weeks begin on Monday, UTC; the first
//   counts all of its cohort, and a week that has not begun before `until` is left out.
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
//   w.start_event: string or null – what makes a customer begin; null: any step
//   w.return_event: string or null – what counts as coming back; null: any step
//   w.weeks: integer – how many weeks to follow a cohort
//   w.first: integer – the most rows
// Columns:
//   cohort: string – the Monday of the first week
//   week: integer – weeks after it
//   customers: integer – who came back then
//   share: float – of the cohort
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
  WITH e.at AS at, $w.start_event IS NULL OR e.step = $w.start_event AS begins,
    $w.return_event IS NULL OR e.step = $w.return_event AS returns
  // The Monday of the week 0 is 5 January 1970.
  RETURN min(CASE WHEN begins THEN toInteger(floor((at - 345600000) / 604800000.0)) END) AS cohort,
    collect(DISTINCT CASE WHEN returns THEN toInteger(floor((at - 345600000) / 604800000.0)) END) AS weeks
}
WITH cohort, weeks WHERE cohort IS NOT NULL
UNWIND [0] + [x IN weeks WHERE x > cohort AND x <= cohort + $w.weeks | x - cohort] AS week
WITH cohort, week, count(*) AS customers
WITH cohort, collect({week: week, customers: customers}) AS counted, max(CASE WHEN week = 0 THEN customers END) AS size,
  toInteger(floor(($w.until - 1 - 345600000) / 604800000.0)) - cohort AS begun
UNWIND range(0, CASE WHEN begun < $w.weeks THEN begun ELSE $w.weeks END) AS week
WITH cohort, week, coalesce(head([x IN counted WHERE x.week = week | x.customers]), 0) AS customers, size
ORDER BY cohort, week LIMIT $w.first
RETURN toString(date(datetime({epochMillis: cohort * 604800000 + 345600000}))) AS cohort, week, customers,
  toFloat(customers) / size AS share
ORDER BY cohort, week
