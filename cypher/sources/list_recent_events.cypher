// Purpose: The newest events of a source in a space, with all that was sent.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.source: string
//   w.scanned: integer – how many of the newest events of the space are looked through
//   w.most: integer
// Columns:
//   events: list of [message_id, type, name or null, at, received_at, place, properties JSON, context JSON, traits JSON or null,
//     context_traits JSON or null], newest receipt first
MATCH (e:Event {space: $w.space})
WHERE e.received_at IS NOT NULL
WITH e ORDER BY e.received_at DESC LIMIT $w.scanned
WITH e WHERE e.source = $w.source
WITH e LIMIT $w.most
RETURN collect([
  e.message_id, e.type, e.name, e.at, e.received_at, coalesce(e.place, 0), e.properties, e.context, e.traits, e.context_traits
]) AS events
