// Purpose: Take an identifier from events, and from the evidence what they said of it. Nothing is written
//   when one of these events, or the evidence about the identifier, has changed since it was read.
//   The identifiers that the events carry were locked before, in the same transaction.
// Access: write
// Space: keys
// Parameters:
//   w.key: identifier key
//   w.observed: integer – events that carried it when it was read
//   w.first_seen: integer, null when no event is left that carries it
//   w.last_seen: integer, likewise
//   w.carried: list of keys of all identifiers of the events, in order
//   w.events: list of [key, number of identifiers that it carried, key of the strongest that is left or
//     null, judgements about the identifier, when each was made, when each was withdrawn]
//   w.links: list of [other key, first_seen, last_seen, times_seen, sources]; where times_seen is 0, the
//     link goes
// Columns:
//   written: boolean
MATCH (i:Identifier {key: $w.key})
CALL () {
  UNWIND $w.events AS row
  WITH {key: row[0], carried: row[1]} AS event
  MATCH (e:Event {key: event.key})
  SET e.space = e.space // takes its lock
  RETURN count(CASE WHEN COUNT { (e)-[:OBSERVED]->() } = event.carried THEN 1 END) AS as_read
}
WITH i, CASE WHEN as_read = size($w.events) AND COUNT { (i)<-[:OBSERVED]-() } = $w.observed THEN $w ELSE {} END AS w
CALL (w) {
  UNWIND w.carried AS key
  MATCH (c:Identifier {key: key})
  SET c.corrections = coalesce(c.corrections, 0) + 1
}
CALL (w, i) {
  UNWIND w.events AS row
  WITH i, {key: row[0], strongest: row[2], judgements: row[3], detached_at: row[4], attached_at: row[5]} AS event
  MATCH (e:Event {key: event.key})
  OPTIONAL MATCH (e)-[o:OBSERVED]->(i)
  DELETE o
  CREATE (e)-[:DETACHED {judgements: event.judgements, detached_at: event.detached_at, attached_at: event.attached_at}]->(i)
  WITH e, event
  OPTIONAL MATCH (e)-[a:ATTRIBUTED_TO]->()
  DELETE a
  WITH e, event
  MATCH (strongest:Identifier {key: event.strongest})
  CREATE (e)-[:ATTRIBUTED_TO]->(strongest)
}
CALL (w, i) {
  UNWIND w.links AS row
  WITH i, {key: row[0], first_seen: row[1], last_seen: row[2], times_seen: row[3], sources: row[4]} AS link
  MATCH (o:Identifier {key: link.key})
  OPTIONAL MATCH (i)-[l:OBSERVED_TOGETHER]-(o)
  SET l.first_seen = link.first_seen, l.last_seen = link.last_seen, l.times_seen = link.times_seen, l.sources = link.sources
  WITH l, link WHERE link.times_seen = 0
  DELETE l
}
CALL (w, i) {
  WITH i WHERE w.first_seen IS NOT NULL
  SET i.first_seen = w.first_seen, i.last_seen = w.last_seen
}
CALL (w, i) {
  WITH i WHERE w.key IS NOT NULL AND w.first_seen IS NULL
  OPTIONAL MATCH (i)-[r:BELONGS_TO|JUDGED_SAME|JUDGED_APART]-()
  DELETE r
  WITH DISTINCT i
  REMOVE i:Identifier, i:Blocked, i:Contested, i:SuperConnector, i:Unsettled, i.first_seen, i.last_seen
  SET i:UnseenIdentifier
}
RETURN w.key IS NOT NULL AS written
