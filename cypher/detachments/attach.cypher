// Purpose: Give an identifier back to events that judgements took it from, or note that one of several
//   such judgements is made or withdrawn. Nothing is written when something else has changed what these
//   events carry since it was read.
// Access: write
// Space: keys
// Parameters:
//   w.key: identifier key
//   w.attached: list of keys of the identifiers of the events to give it back to, in order
//   w.events: list of [key, number of identifiers that it carried, key of the strongest one from now on or
//     null where the identifier stays away, judgements about the identifier, when each was made, when each
//     was withdrawn]
// Columns:
//   written: boolean
CALL () {
  UNWIND $w.events AS row
  WITH {key: row[0], carried: row[1]} AS event
  MATCH (e:Event {key: event.key})
  SET e.space = e.space // takes its lock
  RETURN count(CASE WHEN COUNT { (e)-[:OBSERVED]->() } = event.carried THEN 1 END) AS as_read
}
WITH CASE WHEN as_read = size($w.events) THEN $w ELSE {} END AS w
CALL (w) {
  UNWIND w.attached AS key
  MATCH (c:Identifier {key: key})
  SET c.corrections = coalesce(c.corrections, 0) + 1
}
CALL (w) {
  UNWIND w.events AS row
  WITH {key: row[0], judgements: row[3], detached_at: row[4], attached_at: row[5]} AS event
  MATCH (e:Event {key: event.key})
  MATCH (e)-[d:DETACHED]->(i) WHERE i.key = w.key
  SET d.judgements = event.judgements, d.detached_at = event.detached_at, d.attached_at = event.attached_at
}
CALL (w) {
  UNWIND w.events AS row
  WITH {key: row[0], strongest: row[2]} AS event WHERE event.strongest IS NOT NULL
  MATCH (e:Event {key: event.key})
  MATCH (e)-[d:DETACHED]->(i:Identifier {key: w.key})
  CREATE (e)-[:OBSERVED {judgements: d.judgements, detached_at: d.detached_at, attached_at: d.attached_at}]->(i)
  DELETE d
  WITH e, event
  OPTIONAL MATCH (e)-[a:ATTRIBUTED_TO]->()
  DELETE a
  WITH e, event
  MATCH (strongest:Identifier {key: event.strongest})
  CREATE (e)-[:ATTRIBUTED_TO]->(strongest)
}
RETURN w.key IS NOT NULL AS written
