// Purpose: The newest steps of one customer in the range, on every device, in order and by sessions.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.since: integer – the first moment that counts, in milliseconds
//   w.until: integer – the moment before which events count
//   w.kinds: list of the kinds of customers that count
//   w.did: string or null – only a customer who did this step in the range
//   w.property: string or null – only a customer with this property, `p_…`, on an event
//   w.value: string or null – its value, as text
//   w.audience: string or null – only a customer in this audience, as it was computed last
//   w.feature: string or null – only a customer whose profile has this value, `f_…`
//   w.feature_value: string or null – the value, as text
//   w.identifier: string – `type:value`, as it is spelled in the graph
//   w.session: integer – longest pause inside a session, in milliseconds
//   w.first: integer – the most steps
// Columns:
//   session: integer – from 1, of the steps that are shown
//   at: string – ISO 8601, in UTC
//   event: string – the step
//   source: string – who sent it
//   identifiers: list of `type:value` – all that the event carries, in text order
MATCH (:Identifier {key: $w.space + '/' + $w.identifier})-[:BELONGS_TO]->(c:Customer)
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
MATCH (c)<-[:BELONGS_TO]-(i:Identifier)<-[:ATTRIBUTED_TO]-(e:Event)
WHERE i.last_seen >= $w.since AND i.first_seen < $w.until
  AND e.at >= $w.since AND e.at < $w.until AND e.step IS NOT NULL
WITH e ORDER BY e.at DESC, e.received_at DESC, coalesce(e.place, 0) DESC, e.key DESC LIMIT $w.first
WITH e ORDER BY e.at, e.received_at, coalesce(e.place, 0), e.key
WITH collect(e) AS path, collect(e.at) AS times
WITH path, reduce(sessions = [], n IN range(0, size(times) - 1) | sessions + CASE
    WHEN n = 0 THEN 1 WHEN times[n] - times[n - 1] > $w.session THEN last(sessions) + 1 ELSE last(sessions) END) AS sessions
UNWIND range(0, size(path) - 1) AS n
WITH n, path[n] AS e, sessions[n] AS session
WITH n, e, session, COLLECT { MATCH (e)-[:OBSERVED]->(o:Identifier) RETURN o.type + ':' + o.value AS name ORDER BY name } AS names
RETURN session, toString(datetime({epochMillis: e.at})) AS at, e.step AS event, e.source AS source, names AS identifiers
ORDER BY n
