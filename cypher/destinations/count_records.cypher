// Purpose: How many records of a destination are in each state, and how many customers wait for it.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.destination: string
// Columns:
//   states: list of [state, records]
//   waiting: integer – customers
CALL () {
  MATCH (r:OutgoingRecord {space: $w.space, destination: $w.destination})
  WHERE r.state IS NOT NULL AND r.key IS NOT NULL
  WITH r.state AS state, count(*) AS records
  RETURN collect([state, records]) AS states
}
CALL () {
  MATCH (o:Outgoing {space: $w.space, destination: $w.destination})
  WHERE o.due IS NOT NULL
  RETURN count(*) AS waiting
}
RETURN states, waiting
