// Purpose: Phi coefficient of every step with a goal, over all customers of the segment who had an event
//   in the range.
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
//   w.goal: string – the step to be reached
//   w.first: integer – the most rows
// Columns:
//   event: string – the step
//   phi: float – 0 where all or none did the step or the goal
//   both: integer
//   event_only: integer
//   goal_only: integer
//   neither: integer
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
  RETURN collect(DISTINCT e.step) AS steps, count(*) AS events
}
WITH steps, $w.goal IN steps AS reached
WHERE events > 0
UNWIND steps + [null] AS step // the one that is null counts everybody
WITH step, count(*) AS did, count(CASE WHEN reached THEN 1 END) AS both
WITH collect([step, did, both]) AS counted, sum(CASE WHEN step IS NULL THEN did END) AS everybody,
  sum(CASE WHEN step IS NULL THEN both END) AS everybody_reached
UNWIND counted AS row
WITH row[0] AS event, row[1] AS did, row[2] AS both, everybody, everybody_reached
WHERE event <> $w.goal
WITH event, both, did - both AS event_only, everybody_reached - both AS goal_only,
  everybody - everybody_reached - did + both AS neither
WITH *, sqrt(toFloat(both + event_only) * (goal_only + neither) * (both + goal_only) * (event_only + neither)) AS root
WITH *, CASE WHEN root = 0 THEN 0.0 ELSE (toFloat(both) * neither - toFloat(event_only) * goal_only) / root END AS phi
RETURN event, phi, both, event_only, goal_only, neither
ORDER BY phi DESC, event LIMIT $w.first
