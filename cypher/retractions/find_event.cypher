// Purpose: One event of a source in a range of receipt.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.source: string
//   w.at: integer – beginning of the range
//   w.until: integer – end of the range, exclusive
// Columns:
//   key: string
MATCH (e:Event {space: $w.space})
WHERE e.received_at >= $w.at AND e.received_at < $w.until AND e.source = $w.source
RETURN e.key AS key LIMIT 1
