// Purpose: Events of a destination in a state, by key.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.destination: string
//   w.state: string – of the events
//   w.after: string – key without the space of the last one of the page before
//   w.most: integer
// Columns:
//   events: list of properties
MATCH (o:OutgoingEvent {space: $w.space, destination: $w.destination, state: $w.state})
WHERE o.key > $w.space + '/' + $w.destination + '/' + $w.after
WITH o ORDER BY o.space, o.destination, o.state, o.key LIMIT $w.most
RETURN collect(properties(o)) AS events
