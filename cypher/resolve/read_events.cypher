// Purpose: Events by their keys, in this order, as many as fit.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of event keys
//   w.bytes: integer – most bytes of the events, though never less than one event
// Columns:
//   events: list of [key, message_id, type, name, at, received_at, place, source, properties JSON], only those that exist
//   missing: integer – how many do not fit
UNWIND range(0, size($w.keys) - 1) AS n
WITH n, $w.keys[n] AS key
MATCH (e:Event {key: key})
WITH e ORDER BY n
WITH collect(e) AS found, collect(coalesce(e.stored_bytes, size(e.properties) + size(coalesce(e.context, '')))) AS sizes
WITH found, reduce(page = {rows: 0, bytes: 0}, bytes IN sizes |
  {rows: page.rows + CASE WHEN page.rows = 0 OR page.bytes + bytes <= $w.bytes THEN 1 ELSE 0 END, bytes: page.bytes + bytes}) AS page
RETURN [e IN found[..page.rows] | [e.key, e.message_id, e.type, e.name, e.at, e.received_at, coalesce(e.place, 0), e.source, e.properties]] AS events, size(found) - page.rows AS missing
