// Purpose: What profiles are computed from of the given events, in this order, as many as fit.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of event keys
//   w.limited: list of limited sources
//   w.bytes: integer – most bytes of the events, though never less than one event
// Columns:
//   events: list of [[at, received_at, place, key], message_id, type, step, name, properties JSON,
//     traits JSON or null, source, channel, account id or null, context traits JSON or null,
//     limited and without a proof, account key or null]
//   missing: integer – how many do not fit
UNWIND range(0, size($w.keys) - 1) AS n
WITH n, $w.keys[n] AS key
MATCH (e:Event {key: key})
OPTIONAL MATCH (e)-[:NAMES]->(a:Account)
WITH n, e, a ORDER BY n
WITH collect([
    [e.at, e.received_at, coalesce(e.place, 0), e.key], e.message_id, e.type, e.step, e.name, e.properties, e.traits,
    e.source, e.channel, a.account_id, e.context_traits, e.proven IS NULL AND e.source IN $w.limited, a.key
  ]) AS found, collect(coalesce(e.stored_bytes, size(e.properties) + size(coalesce(e.context, '')))) AS sizes
WITH found, reduce(page = {rows: 0, bytes: 0}, bytes IN sizes |
  {rows: page.rows + CASE WHEN page.rows = 0 OR page.bytes + bytes <= $w.bytes THEN 1 ELSE 0 END, bytes: page.bytes + bytes}) AS page
RETURN found[..page.rows] AS events, size(found) - page.rows AS missing
