// Purpose: What identifiers, events and profiles are looked up by that begins like a text, in each place where a
//   beginning of the text leaves few.
// Access: read
// Space: keys
// Parameters:
//   w.starts: beginnings of the text, shortest first, from the empty one on; each begins with the space and
//     a slash
//   w.few: integer – fewer than these are few
// Columns:
//   place: string – `identifier_1`: the first text of an identifier; and so on
//   start: string – the beginning of the text that leaves few
//   found: list of what begins so
CYPHER replan=skip
CALL () {
  UNWIND $w.starts AS start
  WITH start, COLLECT { MATCH (i:Identifier) WHERE i.find_1 STARTS WITH start RETURN i.find_1 LIMIT $w.few } AS found
  WHERE size(found) < $w.few
  RETURN 'identifier_1' AS place, start, found LIMIT 1
  UNION ALL
  UNWIND $w.starts AS start
  WITH start, COLLECT { MATCH (i:Identifier) WHERE i.find_2 STARTS WITH start RETURN i.find_2 LIMIT $w.few } AS found
  WHERE size(found) < $w.few
  RETURN 'identifier_2' AS place, start, found LIMIT 1
  UNION ALL
  UNWIND $w.starts AS start
  WITH start, COLLECT { MATCH (i:Identifier) WHERE i.find_3 STARTS WITH start RETURN i.find_3 LIMIT $w.few } AS found
  WHERE size(found) < $w.few
  RETURN 'identifier_3' AS place, start, found LIMIT 1
  UNION ALL
  UNWIND $w.starts AS start
  WITH start, COLLECT { MATCH (e:Event) WHERE e.find_1 STARTS WITH start RETURN e.find_1 LIMIT $w.few } AS found
  WHERE size(found) < $w.few
  RETURN 'event_1' AS place, start, found LIMIT 1
  UNION ALL
  UNWIND $w.starts AS start
  WITH start, COLLECT { MATCH (e:Event) WHERE e.find_2 STARTS WITH start RETURN e.find_2 LIMIT $w.few } AS found
  WHERE size(found) < $w.few
  RETURN 'event_2' AS place, start, found LIMIT 1
  UNION ALL
  UNWIND $w.starts AS start
  WITH start, COLLECT { MATCH (e:Event) WHERE e.find_3 STARTS WITH start RETURN e.find_3 LIMIT $w.few } AS found
  WHERE size(found) < $w.few
  RETURN 'event_3' AS place, start, found LIMIT 1
  UNION ALL
  UNWIND $w.starts AS start
  WITH start, COLLECT { MATCH (p:Profile) WHERE p.find_1 STARTS WITH start RETURN p.find_1 LIMIT $w.few } AS found
  WHERE size(found) < $w.few
  RETURN 'profile_1' AS place, start, found LIMIT 1
  UNION ALL
  UNWIND $w.starts AS start
  WITH start, COLLECT { MATCH (p:Profile) WHERE p.find_2 STARTS WITH start RETURN p.find_2 LIMIT $w.few } AS found
  WHERE size(found) < $w.few
  RETURN 'profile_2' AS place, start, found LIMIT 1
  UNION ALL
  UNWIND $w.starts AS start
  WITH start, COLLECT { MATCH (p:Profile) WHERE p.find_3 STARTS WITH start RETURN p.find_3 LIMIT $w.few } AS found
  WHERE size(found) < $w.few
  RETURN 'profile_3' AS place, start, found LIMIT 1
}
RETURN place, start, found
