// Purpose: How long customers take from their first start event to the first goal event after it.
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
//   w.start_event: string
//   w.goal: string
//   w.within: integer – the window, in milliseconds
// Columns:
//   from_seconds: integer – it took at least as long
//   to_seconds: integer or null – and less than this
//   customers: integer
//   share: float – of all who began
MATCH (e:Event)
USING INDEX e:Event(space, step, at)
WHERE e.space = $w.space AND e.step IN [$w.start_event, $w.goal] AND e.at >= $w.since AND e.at < $w.until
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
    WHEN steps[n] = [$w.start_event, $w.goal][size(done)] AND (size(done) = 0 OR times[n] - head(done) <= $w.within)
    THEN done + times[n] ELSE done END) AS done
WHERE size(done) > 0
WITH count(*) AS began, collect(CASE WHEN size(done) = 2 THEN (last(done) - head(done)) / 1000.0 END) AS took
WITH began, took,
  // 1 and 10 minutes; 1 and 6 hours; 1, 3, 7, 14, 30 and 90 days.
  [0, 60, 600, 3600, 21600, 86400, 259200, 604800, 1209600, 2592000, 7776000] AS bounds
UNWIND range(0, size(bounds) - 1) AS n
WITH n, began, bounds, size([t IN took WHERE t >= bounds[n] AND (n = size(bounds) - 1 OR t < bounds[n + 1])]) AS customers
RETURN bounds[n] AS from_seconds, bounds[n + 1] AS to_seconds, customers,
  CASE WHEN began = 0 THEN 0.0 ELSE toFloat(customers) / began END AS share
ORDER BY n
