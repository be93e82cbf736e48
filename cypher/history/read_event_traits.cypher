// Purpose: The traits that the given events carry: the small ones first, as many as fit.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of event keys
//   w.bytes: integer – most bytes of the events, though never less than one event
// Columns:
//   traits: list of [event key, source, traits JSON or null, context traits JSON or null]
UNWIND $w.keys AS key
MATCH (e:Event {key: key})
WITH e, coalesce(e.stored_bytes, size(coalesce(e.traits, '')) + size(coalesce(e.context_traits, ''))) AS bytes
ORDER BY bytes, e.key
WITH collect(e) AS smallest, collect(bytes) AS sizes
WITH smallest, reduce(page = {rows: 0, bytes: 0}, bytes IN sizes |
  {rows: page.rows + CASE WHEN page.rows = 0 OR page.bytes + bytes <= $w.bytes THEN 1 ELSE 0 END, bytes: page.bytes + bytes}) AS page
UNWIND smallest[..page.rows] AS e
RETURN collect([e.key, e.source, e.traits, e.context_traits]) AS traits
