// Purpose: One event.
// Access: read
// Space: keys
// Parameters:
//   key: string – event key
// Columns:
//   event: [key, message_id, type, name, at, received_at, source, properties JSON]
MATCH (e:Event {key: $key})
RETURN [e.key, e.message_id, e.type, e.name, e.at, e.received_at, e.source, e.properties] AS event
