// Purpose: Customers by what their identifiers and events are looked up by.
// Access: read
// Space: keys
// Parameters:
//   w.sought: list of [beginning, end backwards or null], each begins with the space and a slash
//   w.words: words that must begin in what is found, or in another value of the same event
//   w.scan: integer – most that is looked at for one beginning in one place
//   w.most: integer – most that is found
// Columns:
//   found: list of [customer id, identifier type, identifier value, key of an event or null, what was
//     found, without the space, whether it is the beginning of a whole value or null of an end, last_seen],
//     whole values first
CYPHER replan=skip
UNWIND $w.sought AS row
WITH row[0] AS start, row[1] AS end
CALL (start, end) {
  MATCH (i:Identifier) WHERE i.find_1 STARTS WITH start
  RETURN i, null AS event, i.find_1 AS found, true AS whole, [i.find_1] AS beside LIMIT $w.scan
  UNION ALL
  MATCH (i:Identifier) WHERE i.find_2 STARTS WITH start
  RETURN i, null AS event, i.find_2 AS found, false AS whole, [i.find_1] AS beside LIMIT $w.scan
  UNION ALL
  MATCH (i:Identifier) WHERE i.find_3 STARTS WITH start
  RETURN i, null AS event, i.find_3 AS found, false AS whole, [i.find_1] AS beside LIMIT $w.scan
  UNION ALL
  MATCH (i:Identifier) WHERE i.find_end STARTS WITH end
  RETURN i, null AS event, i.find_end AS found, null AS whole, [i.find_1] AS beside LIMIT $w.scan
  UNION ALL
  MATCH (e:Event) WHERE e.find_1 STARTS WITH start
  MATCH (e)-[:ATTRIBUTED_TO]->(i:Identifier)
  RETURN i, e.key AS event, e.find_1 AS found, e.find_wholes >= 1 AS whole, [e.find_1, e.find_2, e.find_3] AS beside LIMIT $w.scan
  UNION ALL
  MATCH (e:Event) WHERE e.find_2 STARTS WITH start
  MATCH (e)-[:ATTRIBUTED_TO]->(i:Identifier)
  RETURN i, e.key AS event, e.find_2 AS found, e.find_wholes >= 2 AS whole, [e.find_1, e.find_2, e.find_3] AS beside LIMIT $w.scan
  UNION ALL
  MATCH (e:Event) WHERE e.find_3 STARTS WITH start
  MATCH (e)-[:ATTRIBUTED_TO]->(i:Identifier)
  RETURN i, e.key AS event, e.find_3 AS found, e.find_wholes >= 3 AS whole, [e.find_1, e.find_2, e.find_3] AS beside LIMIT $w.scan
}
WITH i, event, whole, size(i.space) + 1 AS from, found, beside
WHERE all(word IN $w.words WHERE any(each IN beside WHERE substring(each, from) STARTS WITH word OR each CONTAINS ' ' + word))
WITH i, substring(found, from) AS found, whole, max(event) AS event
MATCH (i)-[:BELONGS_TO]->(c:Customer)
WITH i, found, whole, event, c
ORDER BY coalesce(whole, false) DESC, size(found), i.last_seen DESC
LIMIT $w.most
RETURN collect([c.id, i.type, i.value, event, found, whole, i.last_seen]) AS found
