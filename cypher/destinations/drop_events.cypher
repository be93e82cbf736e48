// Purpose: Forget events that waited for a destination.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.destination: string
//   w.events: list of keys without the space, sorted
// Columns:
//   deleted: integer
UNWIND $w.events AS event
MATCH (o:OutgoingEvent {key: $w.space + '/' + $w.destination + '/' + event})
SET o.space = $w.space // takes its lock
WITH o WHERE o.state = 'waiting'
DETACH DELETE o
RETURN count(*) AS deleted
