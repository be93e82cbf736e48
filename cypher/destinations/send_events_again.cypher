// Purpose: Have events of a destination sent again, by their customers of now.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.destination: string
//   w.states: list of states – only events in these
//   w.messages: list of message ids; null: of all of these
//   w.most: integer
// Columns:
//   sent: integer
MATCH (:Space {name: $w.space})
UNWIND $w.states AS state
MATCH (o:OutgoingEvent {space: $w.space, destination: $w.destination, state: state})
WHERE o.key IS NOT NULL AND ($w.messages IS NULL OR o.message_id IN $w.messages)
WITH o ORDER BY o.key LIMIT $w.most
SET o.state = 'waiting', o.attempt = 0
REMOVE o.since, o.request, o.answer
WITH o
OPTIONAL MATCH (e:Event {key: $w.space + '/' + o.event})-[:ATTRIBUTED_TO]->(:Identifier)-[:BELONGS_TO]->(c:Customer)
WITH coalesce(c.id, o.customer_id) AS id, count(o) AS events ORDER BY id
MERGE (due:Outgoing {key: $w.space + '/' + $w.destination + '/' + id})
ON CREATE SET due.space = $w.space, due.destination = $w.destination, due.customer_id = id
SET due.due = 0
RETURN sum(events) AS sent
