// Purpose: When the first event with an identifier was received.
// Access: read
// Space: keys
// Parameters:
//   key: string – identifier key
// Columns:
//   since: integer, null when there is none
MATCH (i:Identifier|UnseenIdentifier {key: $key})
MATCH (i)<-[:OBSERVED|DETACHED]-(e:Event)
RETURN min(e.received_at) AS since
