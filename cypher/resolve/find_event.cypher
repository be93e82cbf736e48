// Purpose: The event with a message id. Of several, where it was used again with other content: the
//   last one that was received until a moment.
// Access: read
// Space: keys
// Parameters:
//   w.earlier_key: key of an event that an earlier version wrote
//   w.keys: what the keys of the others begin with
//   w.until: integer – the moment, inclusive
// Columns:
//   events: list of [key, message_id, type, name, at, received_at, place, source, properties JSON], one at most
CALL () {
  MATCH (e:Event {key: $w.earlier_key})
  RETURN e
  UNION
  MATCH (e:Event) WHERE e.key STARTS WITH $w.keys
  RETURN e
}
WITH e ORDER BY e.received_at <= $w.until DESC, e.received_at DESC, coalesce(e.place, 0) DESC, e.key DESC LIMIT 1
RETURN collect([e.key, e.message_id, e.type, e.name, e.at, e.received_at, coalesce(e.place, 0), e.source, e.properties]) AS events
