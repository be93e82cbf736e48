// Purpose: Give identifiers back to events that judgements took them from, or note that one of several
//   such judgements is withdrawn. Nothing is written when something else has changed what these events
//   carry since it was read.
// Access: write
// Space: keys
// Parameters:
//   w.space: name of the space
//   w.attached: list of keys of all identifiers of the events that get some back, in order
//   w.events: list of [key, number of identifiers that it carried, key of the strongest one from now on or
//     null where it gets none back, list of those to give back, list of those that stay away]; both are
//     lists of [identifier key, judgements, when each was made, when each was withdrawn]
// Columns:
//   written: boolean
CALL () {
  UNWIND $w.events AS row
  WITH {key: row[0], carried: row[1]} AS event
  MATCH (e:Event {key: event.key})
  SET e.space = $w.space // takes its lock
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
  WITH {key: row[0], recorded: row[4]} AS event
  MATCH (e:Event {key: event.key})
  UNWIND event.recorded AS row
  WITH e, {key: row[0], judgements: row[1], detached_at: row[2], attached_at: row[3]} AS recorded
  MATCH (e)-[d:DETACHED]->(i) WHERE i.key = recorded.key
  SET d.judgements = recorded.judgements, d.detached_at = recorded.detached_at, d.attached_at = recorded.attached_at
}
CALL (w) {
  UNWIND w.events AS row
  WITH {key: row[0], given: row[3]} AS event
  MATCH (e:Event {key: event.key})
  UNWIND event.given AS row
  WITH e, {key: row[0], judgements: row[1], detached_at: row[2], attached_at: row[3]} AS given
  MATCH (e)-[d:DETACHED]->(i:Identifier {key: given.key})
  CREATE (e)-[:OBSERVED {judgements: given.judgements, detached_at: given.detached_at, attached_at: given.attached_at}]->(i)
  DELETE d
}
CALL (w) {
  UNWIND w.events AS row
  WITH {key: row[0], strongest: row[2]} AS event WHERE event.strongest IS NOT NULL
  MATCH (e:Event {key: event.key})
  OPTIONAL MATCH (e)-[a:ATTRIBUTED_TO]->()
  DELETE a
  WITH e, event
  MATCH (strongest:Identifier {key: event.strongest})
  CREATE (e)-[:ATTRIBUTED_TO]->(strongest)
}
RETURN w.events IS NOT NULL AS written
