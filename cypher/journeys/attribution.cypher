// Purpose: How many conversions each channel gets, by four models. A conversion is a customer's first
//   goal event in the range; its touches may lie before the range. A channel seen again within the pause
//   of a session is the same touch.
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
//   w.goal: string – the step that is a conversion
//   w.within: integer – milliseconds before it that a touch may lie
//   w.session: integer – longest pause inside a session, in milliseconds
//   w.half_life: integer – milliseconds by which a touch weighs half
//   w.first: integer – the most rows
// Columns:
//   channel: string – `(direct)` for conversions without a touch
//   customers: integer – with a touch of it before the conversion
//   first_touch: float – conversions
//   last_touch: float – conversions
//   linear: float – conversions
//   time_decay: float – conversions
MATCH (e:Event)
USING INDEX e:Event(space, step, at)
WHERE e.space = $w.space AND e.step = $w.goal AND e.at >= $w.since AND e.at < $w.until
MATCH (e)-[:ATTRIBUTED_TO]->(:Identifier)-[:BELONGS_TO]->(c:Customer)
WITH c, e ORDER BY e.at, e.received_at, coalesce(e.place, 0), e.key
WITH c, head(collect(e)) AS goal
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
CALL (c, goal) {
  MATCH (c)<-[:BELONGS_TO]-(:Identifier)<-[:ATTRIBUTED_TO]-(t:Event)
  WHERE t.at >= goal.at - $w.within AND t.at <= goal.at AND t.channel IS NOT NULL
    AND (t.at < goal.at OR [t.received_at, coalesce(t.place, 0), t.key] <= [goal.received_at, coalesce(goal.place, 0), goal.key])
  WITH t.at AS at, t.channel AS channel ORDER BY at, t.received_at, coalesce(t.place, 0), t.key
  RETURN collect({channel: channel, began: at, last_seen: at}) AS seen
}
WITH goal.at AS converted, reduce(touches = [], x IN seen | CASE
    WHEN last(touches).channel = x.channel AND x.began - last(touches).last_seen <= $w.session
    THEN touches[..-1] + {channel: x.channel, began: last(touches).began, last_seen: x.last_seen}
    ELSE touches + x END) AS touches
WITH converted, CASE touches WHEN [] THEN [{channel: '(direct)', began: converted}] ELSE touches END AS touches
WITH touches, [t IN touches | 0.5 ^ (toFloat(converted - t.began) / $w.half_life)] AS weights
WITH touches, weights, reduce(total = 0.0, x IN weights | total + x) AS total
UNWIND range(0, size(touches) - 1) AS n
WITH touches[n].channel AS channel,
  // Once for each customer: at the first touch of the channel.
  CASE WHEN none(t IN touches[..n] WHERE t.channel = touches[n].channel) THEN 1 END AS customer,
  CASE n WHEN 0 THEN 1.0 ELSE 0.0 END AS first,
  CASE n WHEN size(touches) - 1 THEN 1.0 ELSE 0.0 END AS last,
  1.0 / size(touches) AS equal, CASE total WHEN 0.0 THEN 1.0 / size(touches) ELSE weights[n] / total END AS decayed
RETURN channel, count(customer) AS customers, sum(first) AS first_touch, sum(last) AS last_touch,
  sum(equal) AS linear, sum(decayed) AS time_decay
ORDER BY linear DESC, channel LIMIT $w.first
