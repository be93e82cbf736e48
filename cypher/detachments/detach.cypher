// Purpose: Take identifiers from events, and from the evidence what these said of them. Nothing is written
//   when one of the events, or the evidence about one of the identifiers, has changed since it was read.
//   The identifiers that the events carry were locked before, in the same transaction.
// Access: write
// Space: keys
// Parameters:
//   w.space: name of the space
//   w.identifiers: those that are taken, list of [key, number of events that carried it when it was read,
//     first_seen, last_seen]; times are null when no event is left that carries it
//   w.carried: list of keys of all identifiers of the events, in order
//   w.events: list of [key, number of identifiers that it carried, key of the strongest that is left or
//     null, list of those to take from it, list of those that were taken before]; both are lists of
//     [identifier key, judgements, when each was made, when each was withdrawn]
//   w.links: list of [a_key, b_key, first_seen, last_seen, times_seen, sources, proven]; where times_seen is 0, the
//     link goes
// Columns:
//   written: boolean
CALL () {
  UNWIND $w.events AS row
  WITH {key: row[0], carried: row[1]} AS event
  MATCH (e:Event {key: event.key})
  SET e.space = $w.space // takes its lock
  RETURN count(CASE WHEN COUNT { (e)-[:OBSERVED]->() } = event.carried THEN 1 END) AS as_read
}
CALL () {
  UNWIND $w.identifiers AS row
  WITH {key: row[0], observed: row[1]} AS taken
  MATCH (i:Identifier {key: taken.key})
  RETURN count(CASE WHEN COUNT { (i)<-[:OBSERVED]-() } = taken.observed THEN 1 END) AS as_counted
}
WITH CASE WHEN as_read = size($w.events) AND as_counted = size($w.identifiers) THEN $w ELSE {} END AS w
CALL (w) {
  UNWIND w.carried AS key
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
  WITH {key: row[0], taken: row[3]} AS event
  MATCH (e:Event {key: event.key})
  UNWIND event.taken AS row
  WITH e, {key: row[0], judgements: row[1], detached_at: row[2], attached_at: row[3]} AS taken
  MATCH (i:Identifier {key: taken.key})
  OPTIONAL MATCH (e)-[o:OBSERVED]->(i)
  DELETE o
  CREATE (e)-[:DETACHED {judgements: taken.judgements, detached_at: taken.detached_at, attached_at: taken.attached_at}]->(i)
}
CALL (w) {
  UNWIND w.events AS row
  WITH {key: row[0], strongest: row[2], taken: row[3]} AS event WHERE size(event.taken) > 0
  MATCH (e:Event {key: event.key})
  OPTIONAL MATCH (e)-[a:ATTRIBUTED_TO]->()
  DELETE a
  WITH e, event
  MATCH (strongest:Identifier {key: event.strongest})
  CREATE (e)-[:ATTRIBUTED_TO]->(strongest)
}
CALL (w) {
  UNWIND w.links AS row
  WITH {a_key: row[0], b_key: row[1], first_seen: row[2], last_seen: row[3], times_seen: row[4], sources: row[5], proven: row[6]} AS link
  MATCH (a:Identifier {key: link.a_key})
  MATCH (b:Identifier {key: link.b_key})
  OPTIONAL MATCH (a)-[l:OBSERVED_TOGETHER]->(b)
  SET l.first_seen = link.first_seen, l.last_seen = link.last_seen, l.times_seen = link.times_seen, l.sources = link.sources, l.proven = link.proven
  WITH l, link WHERE link.times_seen = 0
  DELETE l
}
CALL (w) {
  UNWIND w.identifiers AS row
  WITH {key: row[0], first_seen: row[2], last_seen: row[3]} AS seen WHERE seen.first_seen IS NOT NULL
  MATCH (i:Identifier {key: seen.key})
  SET i.first_seen = seen.first_seen, i.last_seen = seen.last_seen
}
CALL (w) {
  UNWIND w.identifiers AS row
  WITH {key: row[0], first_seen: row[2]} AS seen WHERE seen.first_seen IS NULL
  MATCH (i:Identifier {key: seen.key})
  OPTIONAL MATCH (i)-[r:BELONGS_TO|JUDGED_SAME|JUDGED_APART]-()
  DELETE r
  WITH DISTINCT i
  REMOVE i:Identifier, i:Blocked, i:Contested, i:SuperConnector, i:Unsettled, i.first_seen, i.last_seen, i.touched, i.last_touched
  SET i:UnseenIdentifier
}
RETURN w.events IS NOT NULL AS written
