// Purpose: Customers by what their identifiers, events and profiles are looked up by.
// Access: read
// Space: keys
// Parameters:
//   w.identifier_1: beginnings of the first text of an identifier; each begins with the space and a slash,
//     as all that follow
//   w.identifier_2: of the second one
//   w.identifier_3: of the third one
//   w.identifier_end: of its digits backwards
//   w.event_1: of the first text of an event
//   w.event_2: of the second one
//   w.event_3: of the third one
//   w.profile_1: of the first text of a profile
//   w.profile_2: of the second one
//   w.profile_3: of the third one
//   w.scan: integer – most that is looked at for one beginning in one place
//   w.most: integer – most that is found
// Columns:
//   found: list of [customer id, identifier type, identifier value, key of an event or null, traits of a
//     profile as JSON or null, what was found, whether it is the beginning of a whole value or null of an
//     end, how often it was looked at]; type and value are null of a profile. Whole values come first, then
//     the rest of values, then ends; those before that have least beside the beginning
CYPHER replan=skip
CALL () {
  UNWIND $w.identifier_1 AS start
  CALL (start) { MATCH (i:Identifier) WHERE i.find_1 STARTS WITH start RETURN i, i.find_1 AS found LIMIT $w.scan }
  RETURN i, null AS event, null AS p, start, found, true AS whole
  UNION ALL
  UNWIND $w.identifier_2 AS start
  CALL (start) { MATCH (i:Identifier) WHERE i.find_2 STARTS WITH start RETURN i, i.find_2 AS found LIMIT $w.scan }
  RETURN i, null AS event, null AS p, start, found, false AS whole
  UNION ALL
  UNWIND $w.identifier_3 AS start
  CALL (start) { MATCH (i:Identifier) WHERE i.find_3 STARTS WITH start RETURN i, i.find_3 AS found LIMIT $w.scan }
  RETURN i, null AS event, null AS p, start, found, false AS whole
  UNION ALL
  UNWIND $w.identifier_end AS start
  CALL (start) { MATCH (i:Identifier) WHERE i.find_end STARTS WITH start RETURN i, i.find_end AS found LIMIT $w.scan }
  RETURN i, null AS event, null AS p, start, found, null AS whole
  UNION ALL
  UNWIND $w.event_1 AS start
  CALL (start) { MATCH (e:Event) WHERE e.find_1 STARTS WITH start RETURN e, e.find_1 AS found LIMIT $w.scan }
  MATCH (e)-[:ATTRIBUTED_TO]->(i:Identifier)
  RETURN i, e AS event, null AS p, start, found, true AS whole
  UNION ALL
  UNWIND $w.event_2 AS start
  CALL (start) { MATCH (e:Event) WHERE e.find_2 STARTS WITH start RETURN e, e.find_2 AS found LIMIT $w.scan }
  MATCH (e)-[:ATTRIBUTED_TO]->(i:Identifier)
  RETURN i, e AS event, null AS p, start, found, e.find_wholes >= 2 AS whole
  UNION ALL
  UNWIND $w.event_3 AS start
  CALL (start) { MATCH (e:Event) WHERE e.find_3 STARTS WITH start RETURN e, e.find_3 AS found LIMIT $w.scan }
  MATCH (e)-[:ATTRIBUTED_TO]->(i:Identifier)
  RETURN i, e AS event, null AS p, start, found, e.find_wholes >= 3 AS whole
  UNION ALL
  UNWIND $w.profile_1 AS start
  CALL (start) { MATCH (p:Profile) WHERE p.find_1 STARTS WITH start RETURN p, p.find_1 AS found LIMIT $w.scan }
  RETURN null AS i, null AS event, p, start, found, true AS whole
  UNION ALL
  UNWIND $w.profile_2 AS start
  CALL (start) { MATCH (p:Profile) WHERE p.find_2 STARTS WITH start RETURN p, p.find_2 AS found LIMIT $w.scan }
  RETURN null AS i, null AS event, p, start, found, p.find_wholes >= 2 AS whole
  UNION ALL
  UNWIND $w.profile_3 AS start
  CALL (start) { MATCH (p:Profile) WHERE p.find_3 STARTS WITH start RETURN p, p.find_3 AS found LIMIT $w.scan }
  RETURN null AS i, null AS event, p, start, found, p.find_wholes >= 3 AS whole
}
WITH i, p, found, whole, size(found) - size(start) AS beside, collect(event) AS events, count(*) AS times
WITH i, p, found, whole, events, times
ORDER BY CASE whole WHEN true THEN 0 WHEN false THEN 1 ELSE 2 END, beside, coalesce(i.last_seen, 0) DESC, i, p
LIMIT $w.most
OPTIONAL MATCH (i)-[:BELONGS_TO]->(of_identifier:Customer)
OPTIONAL MATCH (of_profile:Customer)-[:HAS_PROFILE]->(p)
WITH i, p, found, whole, events, times, coalesce(of_identifier.id, of_profile.id) AS customer
WHERE customer IS NOT NULL
RETURN collect([customer, i.type, i.value, last(events).key, p.searched, found, whole, times]) AS found
