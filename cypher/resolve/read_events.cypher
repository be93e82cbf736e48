// Purpose: Events by their keys.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of event keys
// Columns:
//   events: list of [key, message_id, type, name, at, received_at, place, source, properties JSON], only those that exist
UNWIND $w.keys AS key
MATCH (e:Event {key: key})
RETURN collect([e.key, e.message_id, e.type, e.name, e.at, e.received_at, coalesce(e.place, 0), e.source, e.properties]) AS events
