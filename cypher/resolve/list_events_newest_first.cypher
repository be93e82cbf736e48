// Purpose: Events of a customer, newest first.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.customer: string – customer id
//   w.names: list of event names, or null for all
//   w.since: integer – first moment, inclusive
//   w.until: integer – last moment, inclusive
//   w.after: [at, received_at, place, key] of the last event of the page before
//   w.most: integer
// Columns:
//   events: list of [key, message_id, type, name, at, received_at, place, source, properties JSON]
MATCH (c:Customer {id: $w.customer})
WHERE c.space = $w.space
MATCH (c)<-[:BELONGS_TO]-(:Identifier)<-[:ATTRIBUTED_TO]-(e:Event)
WHERE e.at >= $w.since AND e.at <= $w.until
  AND ($w.names IS NULL OR e.name IN $w.names)
  AND [e.at, e.received_at, coalesce(e.place, 0), e.key] < $w.after
WITH e ORDER BY e.at DESC, e.received_at DESC, coalesce(e.place, 0) DESC, e.key DESC LIMIT $w.most
RETURN collect([e.key, e.message_id, e.type, e.name, e.at, e.received_at, coalesce(e.place, 0), e.source, e.properties]) AS events
