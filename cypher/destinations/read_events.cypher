// Purpose: Events of customers that are to go to a destination, in the order in which they happened; and those
//   that waited for it and are not to go any more.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.destination: string
//   w.customers: list of [customer id, time from which on its events go there]
//   w.owners: list of the same, for these ids and for all that the customers had before
//   w.since: map of the names of events, each with the time from which on they go there
//   w.most: integer
// Columns:
//   events: list of [customer id, key without the space, message_id, name, at, properties JSON, attempts that
//     failed or null, time of the first of them or null]
//   dropped: list of keys without the space
CALL () {
  UNWIND $w.customers AS row
  WITH row[0] AS id, row[1] AS from
  MATCH (c:Customer {id: id}) WHERE c.space = $w.space
  MATCH (c)<-[:BELONGS_TO]-(:Identifier)<-[:ATTRIBUTED_TO]-(e:Event)
  WHERE e.at >= $w.since[e.step] AND e.at >= from
  WITH c, e, substring(e.key, size($w.space) + 1) AS event
  OPTIONAL MATCH (o:OutgoingEvent {key: $w.space + '/' + $w.destination + '/' + event})
  WITH c, e, event, o WHERE o IS NULL OR o.state = 'waiting'
  WITH c, e, event, o ORDER BY e.at, e.received_at, coalesce(e.place, 0), e.key LIMIT $w.most
  RETURN collect([c.id, event, e.message_id, e.step, e.at, e.properties, o.attempt, o.since]) AS events
}
CALL () {
  UNWIND $w.owners AS row
  WITH row[0] AS id, row[1] AS from
  MATCH (o:OutgoingEvent {space: $w.space, customer_id: id, state: 'waiting'})
  WHERE o.destination = $w.destination AND NOT EXISTS {
    MATCH (e:Event {key: $w.space + '/' + o.event})-[:ATTRIBUTED_TO]->(:Identifier)
    WHERE e.at >= $w.since[e.step] AND e.at >= from
  }
  RETURN collect(o.event) AS dropped
}
RETURN events, dropped
