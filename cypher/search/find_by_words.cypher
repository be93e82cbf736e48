// Purpose: Customers by several words of what their identifiers and events are looked up by.
// Access: read
// Space: keys
// Parameters:
//   w.start: string – beginning of a text, which is one of the words; it begins with the space and a slash
//   w.words: list of [the same of another word, a space and that word]: each must begin in the first text
//     of the same identifier, or in a text of the same event
//   w.scan: integer – most that is looked at in one place
//   w.most: integer – most that is found
// Columns:
//   found: list of [customer id, identifier type, identifier value, key of an event or null, what was
//     found, whether it is the beginning of a whole value, how often it was looked at], whole values
//     first; those before that are shortest
CYPHER replan=skip
CALL () {
  MATCH (i:Identifier) WHERE i.find_1 STARTS WITH $w.start
  RETURN i, null AS event, i.find_1 AS found, [i.find_1] AS texts, true AS whole LIMIT $w.scan
  UNION ALL
  MATCH (i:Identifier) WHERE i.find_2 STARTS WITH $w.start
  RETURN i, null AS event, i.find_2 AS found, [i.find_1] AS texts, false AS whole LIMIT $w.scan
  UNION ALL
  MATCH (i:Identifier) WHERE i.find_3 STARTS WITH $w.start
  RETURN i, null AS event, i.find_3 AS found, [i.find_1] AS texts, false AS whole LIMIT $w.scan
  UNION ALL
  MATCH (e:Event) WHERE e.find_1 STARTS WITH $w.start
  RETURN null AS i, e AS event, e.find_1 AS found, [e.find_1, e.find_2, e.find_3] AS texts, true AS whole LIMIT $w.scan
  UNION ALL
  MATCH (e:Event) WHERE e.find_2 STARTS WITH $w.start
  RETURN null AS i, e AS event, e.find_2 AS found, [e.find_1, e.find_2, e.find_3] AS texts, e.find_wholes >= 2 AS whole LIMIT $w.scan
  UNION ALL
  MATCH (e:Event) WHERE e.find_3 STARTS WITH $w.start
  RETURN null AS i, e AS event, e.find_3 AS found, [e.find_1, e.find_2, e.find_3] AS texts, e.find_wholes >= 3 AS whole LIMIT $w.scan
}
WITH i, event, found, whole, texts
WHERE all(word IN $w.words WHERE any(text IN texts WHERE text STARTS WITH word[0] OR text CONTAINS word[1]))
OPTIONAL MATCH (event)-[:ATTRIBUTED_TO]->(j:Identifier)
WITH coalesce(i, j) AS i, found, whole, collect(event) AS events, count(*) AS times
WITH i, found, whole, events, times
ORDER BY whole DESC, size(found), i.last_seen DESC, i
LIMIT $w.most
MATCH (i)-[:BELONGS_TO]->(c:Customer)
WITH i, found, whole, events, times, c
RETURN collect([c.id, i.type, i.value, events[-1].key, found, whole, times]) AS found
