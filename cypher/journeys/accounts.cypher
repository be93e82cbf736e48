// Purpose: Accounts whose members together did all of the given steps. A member is a customer
//   with an event that names the account, at any time.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.since: integer – the first moment that counts, in milliseconds
//   w.until: integer – the moment before which events count
//   w.kinds: list of the kinds of customers that count
//   w.did: string or null – only members who did this step in the range
//   w.property: string or null – only members with this property, `p_…`, on an event
//   w.value: string or null – its value, as text
//   w.audience: string or null – only members in this audience, as it was computed last
//   w.feature: string or null – only members whose profile has this value, `f_…`
//   w.feature_value: string or null – the value, as text
//   w.steps: list of the steps, in any order
//   w.first: integer – the most rows
// Columns:
//   account: string – its id
//   customers: integer – members who did one of the steps
//   events: integer – how often they did them
MATCH (e:Event)
USING INDEX e:Event(space, step, at)
WHERE e.space = $w.space AND e.step IN $w.steps AND e.at >= $w.since AND e.at < $w.until
MATCH (e)-[:ATTRIBUTED_TO]->(:Identifier)-[:BELONGS_TO]->(c:Customer)
WITH c, collect(DISTINCT e.step) AS done, count(*) AS events
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
MATCH (c)<-[:BELONGS_TO]-(:Identifier)<-[:ATTRIBUTED_TO]-(:Event)-[:NAMES]->(a:Account)
WITH DISTINCT a, c, done, events
WITH a, collect(done) AS done, count(*) AS customers, sum(events) AS events
WHERE all(step IN $w.steps WHERE any(steps IN done WHERE step IN steps))
RETURN a.account_id AS account, customers, events
ORDER BY customers DESC, events DESC, account LIMIT $w.first
