// Purpose: How many customers did steps in an order, within a window from the first of them.
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
//   w.steps: list of the steps, in order
//   w.within: integer – the window from the first step, in milliseconds
// Columns:
//   event: string – the step
//   customers: integer – who reached it
//   share: float – of the customers of the first step
//   median_seconds: float or null – since the step before
MATCH (e:Event)
USING INDEX e:Event(space, step, at)
WHERE e.space = $w.space AND e.step IN $w.steps AND e.at >= $w.since AND e.at < $w.until
MATCH (e)-[:ATTRIBUTED_TO]->(:Identifier)-[:BELONGS_TO]->(c:Customer)
WITH c, e ORDER BY e.at, e.received_at, coalesce(e.place, 0), e.key
WITH c, collect(e.at) AS times, collect(e.step) AS steps
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
WITH reduce(done = [], n IN range(0, size(times) - 1) | CASE
    WHEN steps[n] = $w.steps[size(done)] AND (size(done) = 0 OR times[n] - head(done) <= $w.within)
    THEN done + times[n] ELSE done END) AS done
WHERE size(done) > 0
WITH collect(done) AS everybody
UNWIND range(0, size($w.steps) - 1) AS n
CALL (everybody, n) {
  UNWIND everybody AS done
  WITH done, n WHERE size(done) > n
  RETURN count(*) AS customers,
    percentileCont(CASE WHEN n > 0 THEN (done[n] - done[n - 1]) / 1000.0 END, 0.5) AS median_seconds
}
RETURN $w.steps[n] AS event, customers,
  CASE WHEN everybody = [] THEN 0.0 ELSE toFloat(customers) / size(everybody) END AS share, median_seconds
ORDER BY n
