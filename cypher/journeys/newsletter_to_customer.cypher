// Purpose: How many subscribers became customers, and how fast, by the channel that brought the subscription.
//   It is that of the customer's first subscription in the range; the goal is the first one after it.
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
//   w.subscribed: string – the step that is a subscription
//   w.goal: string – the step that makes a customer
//   w.within: integer – the window from the subscription, in milliseconds
//   w.first: integer – the most rows
// Columns:
//   channel: string – `(direct)` where the subscription has none
//   subscribers: integer – whose first subscription came by it
//   customers: integer – subscribers who reached the goal
//   share: float – of the subscribers
//   median_seconds: float or null – from the subscription to the goal
MATCH (e:Event)
USING INDEX e:Event(space, step, at)
WHERE e.space = $w.space AND e.step IN [$w.subscribed, $w.goal] AND e.at >= $w.since AND e.at < $w.until
MATCH (e)-[:ATTRIBUTED_TO]->(:Identifier)-[:BELONGS_TO]->(c:Customer)
WITH c, e ORDER BY e.at, e.received_at, coalesce(e.place, 0), e.key
WITH c, collect(e.at) AS times, collect(e.step) AS steps,
  head(collect(CASE WHEN e.step = $w.subscribed THEN coalesce(e.channel, '(direct)') END)) AS channel
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
WITH channel, reduce(done = [], n IN range(0, size(times) - 1) | CASE
    WHEN steps[n] = [$w.subscribed, $w.goal][size(done)] AND (size(done) = 0 OR times[n] - head(done) <= $w.within)
    THEN done + times[n] ELSE done END) AS done
WHERE size(done) > 0
WITH channel, CASE WHEN size(done) = 2 THEN (last(done) - head(done)) / 1000.0 END AS took
WITH channel, count(*) AS subscribers, count(took) AS customers, percentileCont(took, 0.5) AS median_seconds
RETURN channel, subscribers, customers, toFloat(customers) / subscribers AS share, median_seconds
ORDER BY customers DESC, subscribers DESC, channel LIMIT $w.first
