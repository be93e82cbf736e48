// Purpose: The page or screen that customers saw last before they first did a step.
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
//   w.event: string – the step
//   w.first: integer – the most rows
// Columns:
//   page: string
//   customers: integer – who saw it last
//   share: float – of all who did the step, with those who saw no page
MATCH (e:Event)
USING INDEX e:Event(space, step, at)
WHERE e.space = $w.space AND e.step = $w.event AND e.at >= $w.since AND e.at < $w.until
MATCH (e)-[:ATTRIBUTED_TO]->(:Identifier)-[:BELONGS_TO]->(c:Customer)
WITH c, e ORDER BY e.at, e.received_at, coalesce(e.place, 0), e.key
WITH c, head(collect(e)) AS done
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
CALL (c, done) {
  MATCH (c)<-[:BELONGS_TO]-(i:Identifier)<-[:ATTRIBUTED_TO]-(e:Event)
  WHERE i.last_seen >= $w.since AND i.first_seen < $w.until
    AND e.at >= $w.since AND e.at < $w.until
    AND e.type IN ['page', 'screen'] AND e.step IS NOT NULL
    AND [e.at, e.received_at, coalesce(e.place, 0), e.key] < [done.at, done.received_at, coalesce(done.place, 0), done.key]
  WITH e ORDER BY e.at DESC, e.received_at DESC, coalesce(e.place, 0) DESC, e.key DESC LIMIT 1
  RETURN head(collect(e.step)) AS page
}
WITH page, count(*) AS customers
WITH collect([page, customers]) AS pages, sum(customers) AS everybody
UNWIND pages AS row
WITH row[0] AS page, row[1] AS customers, everybody
WHERE page IS NOT NULL
RETURN page, customers, toFloat(customers) / everybody AS share
ORDER BY customers DESC, page LIMIT $w.first
