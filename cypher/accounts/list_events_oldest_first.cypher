// Purpose: Events that name an account, oldest first.
// Access: read
// Space: keys
// Parameters:
//   w.key: string – account key
//   w.names: list of event names, or null for all
//   w.excluded: list of event names that are left out
//   w.since: integer – first moment, inclusive
//   w.until: integer – last moment, inclusive
//   w.after: [at, received_at, place, key] of the last event of the page before, which is older
//   w.most: integer
//   w.bytes: integer – most bytes of the events, though never less than one event
// Columns:
//   events: list of [key, message_id, type, name, at, received_at, place, source, properties JSON]
//   found: integer – how many there are, at most `w.most`, also those that do not fit
MATCH (:Account {key: $w.key})<-[:NAMES]-(e:Event)
WHERE e.at >= $w.since AND e.at <= $w.until
  AND ($w.names IS NULL OR e.name IN $w.names) AND NOT coalesce(e.name IN $w.excluded, false)
  AND [e.at, e.received_at, coalesce(e.place, 0), e.key] > $w.after
  AND EXISTS { (e)-[:ATTRIBUTED_TO]->() }
WITH e ORDER BY e.at, e.received_at, coalesce(e.place, 0), e.key LIMIT $w.most
WITH collect(e) AS found, collect(coalesce(e.stored_bytes, size(e.properties) + size(coalesce(e.context, '')))) AS sizes
WITH found, reduce(page = {rows: 0, bytes: 0}, bytes IN sizes |
  {rows: page.rows + CASE WHEN page.rows = 0 OR page.bytes + bytes <= $w.bytes THEN 1 ELSE 0 END, bytes: page.bytes + bytes}) AS page
RETURN [e IN found[..page.rows] | [e.key, e.message_id, e.type, e.name, e.at, e.received_at, coalesce(e.place, 0), e.source, e.properties]] AS events, size(found) AS found
