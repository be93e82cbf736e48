// Purpose: How many events of a destination are in each state.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.destination: string
// Columns:
//   states: list of [state, events]
UNWIND ['dead', 'sent', 'unknown', 'waiting'] AS state
MATCH (o:OutgoingEvent {space: $w.space, destination: $w.destination, state: state})
WHERE o.key IS NOT NULL
WITH state, count(*) AS events
RETURN collect([state, events]) AS states
