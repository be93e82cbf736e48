// Purpose: Customers by several words of what their identifiers, events and profiles are looked up by.
// Access: read
// Space: keys
// Parameters:
//   w.start: string – beginning of a text, which is one of the words; it begins with the space and a slash
//   w.words: list of maps of other words: `first`: the same of the word, `later`: a space and the word. Each
//     must begin in the first text of the same identifier, or in a text of the same event or profile
//   w.scan: integer – most that is looked at in one place
//   w.most: integer – most of all that is followed to its customer
// Columns:
//   found: list of [customer id, identifier type, identifier value, key of an event or null, traits of a
//     profile as JSON or null, what was found, whether it is the beginning of a whole value]; type and value
//     are null of a profile. Whole values come first, then the rest of values, both in alphabetical order
//   looked_at: integer – what was followed, also what leads to no customer
CYPHER replan=skip
CALL () {
  MATCH (i:Identifier) WHERE i.find_1 STARTS WITH $w.start
  RETURN i, null AS event, null AS p, i.find_1 AS found, [i.find_1] AS texts, true AS whole LIMIT $w.scan
  UNION ALL
  MATCH (i:Identifier) WHERE i.find_2 STARTS WITH $w.start
  RETURN i, null AS event, null AS p, i.find_2 AS found, [i.find_1] AS texts, false AS whole LIMIT $w.scan
  UNION ALL
  MATCH (i:Identifier) WHERE i.find_3 STARTS WITH $w.start
  RETURN i, null AS event, null AS p, i.find_3 AS found, [i.find_1] AS texts, false AS whole LIMIT $w.scan
  UNION ALL
  MATCH (e:Event) WHERE e.find_1 STARTS WITH $w.start
  RETURN null AS i, e AS event, null AS p, e.find_1 AS found, [e.find_1, e.find_2, e.find_3] AS texts, true AS whole LIMIT $w.scan
  UNION ALL
  MATCH (e:Event) WHERE e.find_2 STARTS WITH $w.start
  RETURN null AS i, e AS event, null AS p, e.find_2 AS found, [e.find_1, e.find_2, e.find_3] AS texts, e.find_wholes >= 2 AS whole LIMIT $w.scan
  UNION ALL
  MATCH (e:Event) WHERE e.find_3 STARTS WITH $w.start
  RETURN null AS i, e AS event, null AS p, e.find_3 AS found, [e.find_1, e.find_2, e.find_3] AS texts, e.find_wholes >= 3 AS whole LIMIT $w.scan
  UNION ALL
  MATCH (p:Profile) WHERE p.find_1 STARTS WITH $w.start
  RETURN null AS i, null AS event, p, p.find_1 AS found, [p.find_1, p.find_2, p.find_3] AS texts, true AS whole LIMIT $w.scan
  UNION ALL
  MATCH (p:Profile) WHERE p.find_2 STARTS WITH $w.start
  RETURN null AS i, null AS event, p, p.find_2 AS found, [p.find_1, p.find_2, p.find_3] AS texts, p.find_wholes >= 2 AS whole LIMIT $w.scan
  UNION ALL
  MATCH (p:Profile) WHERE p.find_3 STARTS WITH $w.start
  RETURN null AS i, null AS event, p, p.find_3 AS found, [p.find_1, p.find_2, p.find_3] AS texts, p.find_wholes >= 3 AS whole LIMIT $w.scan
}
WITH i, event, p, found, whole, texts
WHERE all(word IN $w.words WHERE any(text IN texts WHERE text STARTS WITH word.first OR text CONTAINS word.later))
WITH i, event, p, found, whole
ORDER BY whole DESC, found, event, i, p
LIMIT $w.most
OPTIONAL MATCH (event)-[:ATTRIBUTED_TO]->(of_event:Identifier)
WITH coalesce(i, of_event) AS i, p, found, whole, head(collect(event)) AS event, count(*) AS times
OPTIONAL MATCH (i)-[:BELONGS_TO]->(of_identifier:Customer)
OPTIONAL MATCH (of_profile:Customer)-[:HAS_PROFILE]->(p)
WITH i, event, p, found, whole, times, coalesce(of_identifier.id, of_profile.id) AS customer
ORDER BY whole DESC, found, event, i, p
RETURN sum(times) AS looked_at, collect(CASE WHEN customer IS NOT NULL
  THEN [customer, i.type, i.value, event.key, p.searched, found, whole] END) AS found
