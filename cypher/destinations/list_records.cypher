// Purpose: Records of a destination in a state, by key.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.destination: string
//   w.state: string – of the records
//   w.after: string – record of the last one of the page before
//   w.most: integer
// Columns:
//   records: list of properties
MATCH (r:OutgoingRecord {space: $w.space, destination: $w.destination, state: $w.state})
WHERE r.key > $w.space + '/' + $w.destination + '/' + $w.after
WITH r ORDER BY r.space, r.destination, r.state, r.key LIMIT $w.most
RETURN collect(properties(r)) AS records
