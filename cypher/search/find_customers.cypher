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
//   w.most: integer – most of all that is looked at
// Columns:
//   found: list of [customer id, identifier type, identifier value, key of an event or null, traits of a
//     profile as JSON or null, what was found, whether it is the beginning of a whole value or null of an
//     end]; type and value are null of a profile. Whole values come first, then the rest of values, then ends,
//     each in alphabetical order, so that to look at more adds to the end: but for second and third whole
//     values of an event or a profile, which stand among the words of others in the index
//   looked_at: integer – identifiers, events and profiles, also those that lead to no customer
CYPHER replan=skip
CALL () {
  UNWIND $w.identifier_1 AS start
  CALL (start) {
    MATCH (i:Identifier) WHERE i.find_1 STARTS WITH start RETURN i, i.find_1 AS found ORDER BY found LIMIT $w.scan
  }
  RETURN i, null AS event, null AS p, found, true AS whole
  UNION ALL
  UNWIND $w.identifier_2 AS start
  CALL (start) {
    MATCH (i:Identifier) WHERE i.find_2 STARTS WITH start RETURN i, i.find_2 AS found ORDER BY found LIMIT $w.scan
  }
  RETURN i, null AS event, null AS p, found, false AS whole
  UNION ALL
  UNWIND $w.identifier_3 AS start
  CALL (start) {
    MATCH (i:Identifier) WHERE i.find_3 STARTS WITH start RETURN i, i.find_3 AS found ORDER BY found LIMIT $w.scan
  }
  RETURN i, null AS event, null AS p, found, false AS whole
  UNION ALL
  UNWIND $w.identifier_end AS start
  CALL (start) {
    MATCH (i:Identifier) WHERE i.find_end STARTS WITH start RETURN i, i.find_end AS found ORDER BY found LIMIT $w.scan
  }
  RETURN i, null AS event, null AS p, found, null AS whole
  UNION ALL
  UNWIND $w.event_1 AS start
  CALL (start) {
    MATCH (e:Event) WHERE e.find_1 STARTS WITH start RETURN e, e.find_1 AS found ORDER BY found LIMIT $w.scan
  }
  RETURN null AS i, e AS event, null AS p, found, true AS whole
  UNION ALL
  UNWIND $w.event_2 AS start
  CALL (start) {
    MATCH (e:Event) WHERE e.find_2 STARTS WITH start RETURN e, e.find_2 AS found ORDER BY found LIMIT $w.scan
  }
  RETURN null AS i, e AS event, null AS p, found, e.find_wholes >= 2 AS whole
  UNION ALL
  UNWIND $w.event_3 AS start
  CALL (start) {
    MATCH (e:Event) WHERE e.find_3 STARTS WITH start RETURN e, e.find_3 AS found ORDER BY found LIMIT $w.scan
  }
  RETURN null AS i, e AS event, null AS p, found, e.find_wholes >= 3 AS whole
  UNION ALL
  UNWIND $w.profile_1 AS start
  CALL (start) {
    MATCH (p:Profile) WHERE p.find_1 STARTS WITH start RETURN p, p.find_1 AS found ORDER BY found LIMIT $w.scan
  }
  RETURN null AS i, null AS event, p, found, true AS whole
  UNION ALL
  UNWIND $w.profile_2 AS start
  CALL (start) {
    MATCH (p:Profile) WHERE p.find_2 STARTS WITH start RETURN p, p.find_2 AS found ORDER BY found LIMIT $w.scan
  }
  RETURN null AS i, null AS event, p, found, p.find_wholes >= 2 AS whole
  UNION ALL
  UNWIND $w.profile_3 AS start
  CALL (start) {
    MATCH (p:Profile) WHERE p.find_3 STARTS WITH start RETURN p, p.find_3 AS found ORDER BY found LIMIT $w.scan
  }
  RETURN null AS i, null AS event, p, found, p.find_wholes >= 3 AS whole
}
WITH i, event, p, found, whole, CASE whole WHEN true THEN 0 WHEN false THEN 1 ELSE 2 END AS rank
ORDER BY rank, found, event, i, p
LIMIT $w.most
OPTIONAL MATCH (event)-[:ATTRIBUTED_TO]->(of_event:Identifier)
WITH coalesce(i, of_event) AS i, p, found, whole, rank, head(collect(event)) AS event, count(*) AS times
OPTIONAL MATCH (i)-[:BELONGS_TO]->(of_identifier:Customer)
OPTIONAL MATCH (of_profile:Customer)-[:HAS_PROFILE]->(p)
WITH i, event, p, found, whole, rank, times, coalesce(of_identifier.id, of_profile.id) AS customer
ORDER BY rank, found, event, i, p
RETURN sum(times) AS looked_at, collect(CASE WHEN customer IS NOT NULL
  THEN [customer, i.type, i.value, event.key, p.searched, found, whole] END) AS found
