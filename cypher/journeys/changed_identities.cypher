// Purpose: Present customers whose identity changed since a moment, and how many of the events of a step
//   are theirs: by the kind of change, and by any. An id that retired stands for the customer that carries
//   it on. A change that was undone counts too.
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
//   w.changed_since: integer – the first moment of a change, by the service's clock, in milliseconds
//   w.event: string – the step
// Columns:
//   kind: string – of the change; `(any)` for the customers of all kinds, each once
//   customers: integer – that such a change named
//   customers_with_step: integer – those of them who did the step in the range
//   events: integer – how often they did it
//   share: float – of all events of that step in the range, whoever did it
MATCH (x:Change)
USING INDEX x:Change(space, kind, position)
// Every position is above 0; without a word about it the index cannot be used.
WHERE x.space = $w.space AND x.kind IN ['MERGED', 'SPLIT', 'MOVED', 'QUARANTINED', 'RELEASED']
  AND x.position > 0 AND x.at >= $w.changed_since
UNWIND [x.customer_id, x.other_customer_id] AS id
WITH id, collect(DISTINCT x.kind) AS named
CALL (id) {
  MATCH (c:Customer {id: id}) RETURN c
  UNION
  MATCH (:RetiredId {id: id})-[:FORWARDS_TO]->(c:Customer) RETURN c
}
UNWIND named AS kind
WITH c, collect(DISTINCT kind) AS changed
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
    AND e.at >= $w.since AND e.at < $w.until AND e.step = $w.event
  RETURN count(*) AS events
}
WITH changed, count(*) AS customers, count(CASE WHEN events > 0 THEN 1 END) AS active, sum(events) AS events
WITH collect({changed: changed, customers: customers, active: active, events: events}) AS groups
CALL () {
  MATCH (s:Event)
  USING INDEX s:Event(space, step, at)
  WHERE s.space = $w.space AND s.step = $w.event AND s.at >= $w.since AND s.at < $w.until
  RETURN count(*) AS everybodys
}
WITH groups, everybodys, ['MERGED', 'SPLIT', 'MOVED', 'QUARANTINED', 'RELEASED', '(any)'] AS kinds
UNWIND range(0, size(kinds) - 1) AS n
WITH n, kinds[n] AS kind, everybodys, [g IN groups WHERE kinds[n] = '(any)' OR kinds[n] IN g.changed] AS those
WITH n, kind, everybodys, reduce(total = 0, g IN those | total + g.customers) AS customers,
  reduce(total = 0, g IN those | total + g.active) AS customers_with_step,
  reduce(total = 0, g IN those | total + g.events) AS events
RETURN kind, customers, customers_with_step, events,
  CASE WHEN everybodys = 0 THEN 0.0 ELSE toFloat(events) / everybodys END AS share
ORDER BY n
