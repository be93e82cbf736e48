// Purpose: The earliest event that carries each of the given identifiers.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of identifier keys
// Columns:
//   events: list of [key, message id, source], only identifiers that an event carries
UNWIND $w.keys AS key
MATCH (i:Identifier {key: key})
CALL (i) {
  MATCH (i)<-[:OBSERVED]-(e:Event)
  RETURN e ORDER BY e.at, e.received_at, coalesce(e.place, 0), e.key LIMIT 1
}
RETURN collect([key, e.message_id, e.source]) AS events
