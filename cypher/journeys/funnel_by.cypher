// Purpose: A funnel for each value of a property or trait. The value of a customer is that on the event
//   of the first step; without one there, that of the newest identify call in the range.
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
//   w.by: string – the property, `p_…`
//   w.first: integer – how many of the most frequent values stand alone
// Columns:
//   value: string – `(none)` without one, `(other)` for the less frequent
//   event: string – the step
//   customers: integer – who reached it
//   share: float – of the customers of the first step with that value
//   median_seconds: float or null – since the step before
MATCH (e:Event)
USING INDEX e:Event(space, step, at)
WHERE e.space = $w.space AND e.step IN $w.steps AND e.at >= $w.since AND e.at < $w.until
MATCH (e)-[:ATTRIBUTED_TO]->(:Identifier)-[:BELONGS_TO]->(c:Customer)
WITH c, e ORDER BY e.at, e.received_at, coalesce(e.place, 0), e.key
WITH c, collect(e.at) AS times, collect(e.step) AS steps,
  // In a list, so that the first event counts even where it lacks the property.
  head(head(collect(CASE WHEN e.step = head($w.steps) THEN [toString(e[$w.by])] END))) AS on_event
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
WITH c, on_event, reduce(done = [], n IN range(0, size(times) - 1) | CASE
    WHEN steps[n] = $w.steps[size(done)] AND (size(done) = 0 OR times[n] - head(done) <= $w.within)
    THEN done + times[n] ELSE done END) AS done
WHERE size(done) > 0
CALL (c, on_event) {
  MATCH (c)<-[:BELONGS_TO]-(i:Identifier)<-[:ATTRIBUTED_TO]-(e:Event)
  WHERE i.last_seen >= $w.since AND i.first_seen < $w.until
    AND e.at >= $w.since AND e.at < $w.until
    AND on_event IS NULL AND e.type = 'identify'
  WITH e, toString(e[$w.by]) AS reported
  WHERE reported IS NOT NULL
  WITH reported ORDER BY e.at DESC, e.received_at DESC, coalesce(e.place, 0) DESC, e.key DESC LIMIT 1
  RETURN head(collect(reported)) AS reported
}
WITH coalesce(on_event, reported, '(none)') AS value, collect(done) AS those
WITH value, those ORDER BY size(those) DESC, value
WITH collect(value) AS ranked, collect([value, those]) AS by_value
UNWIND by_value AS row
WITH ranked, row[0] AS value, row[1] AS those
UNWIND those AS done
WITH CASE WHEN value IN ranked[..$w.first] THEN value ELSE '(other)' END AS value, done
WITH value, collect(done) AS everybody
UNWIND range(0, size($w.steps) - 1) AS n
CALL (everybody, n) {
  UNWIND everybody AS done
  WITH done, n WHERE size(done) > n
  RETURN count(*) AS customers,
    percentileCont(CASE WHEN n > 0 THEN (done[n] - done[n - 1]) / 1000.0 END, 0.5) AS median_seconds
}
RETURN value, $w.steps[n] AS event, customers, toFloat(customers) / size(everybody) AS share, median_seconds
ORDER BY size(everybody) DESC, value, n
