// Purpose: The steps that other journeys leave out because they were done on a contested device, which
//   belongs to nobody: on which device, which step, how often.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.since: integer – the first moment that counts, in milliseconds
//   w.until: integer – the moment before which events count
//   w.kinds: list of the kinds of customers that count: only `QUARANTINED` hold contested devices
//   w.did: string or null – only devices on which this step was done in the range
//   w.property: string or null – only devices with this property, `p_…`, on an event
//   w.value: string or null – its value, as text
//   w.audience: string or null – only devices in this audience, as it was computed last
//   w.feature: string or null – only devices whose profile has this value, `f_…`
//   w.feature_value: string or null – the value, as text
//   w.first: integer – the most rows
// Columns:
//   identifier: string – `type:value` of what the events belong to
//   event: string – the step
//   events: integer – how often it was done there
//   share: float – of all events of that step in the range, on whatever device
MATCH (d:Contested)
WHERE d.space = $w.space
MATCH (d)-[:BELONGS_TO]->(c:Customer)
WITH DISTINCT c
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
WITH i.type + ':' + i.value AS identifier, e.step AS event, count(*) AS events
ORDER BY events DESC, identifier, event LIMIT $w.first
WITH event, collect([identifier, events]) AS devices
CALL (event) {
  MATCH (s:Event)
  USING INDEX s:Event(space, step, at)
  WHERE s.space = $w.space AND s.step = event AND s.at >= $w.since AND s.at < $w.until
  RETURN count(*) AS everywhere
}
UNWIND devices AS row
WITH row[0] AS identifier, event, row[1] AS events, everywhere
RETURN identifier, event, events, toFloat(events) / everywhere AS share
ORDER BY events DESC, identifier, event
