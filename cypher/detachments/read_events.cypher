// Purpose: The events with a message id, what they carry, and what judgements have made of one identifier on them.
// Access: read
// Space: keys
// Parameters:
//   w.begin: string – what the keys of these events begin with
//   w.earlier_key: event key – as an earlier version wrote it
//   w.key: identifier key
// Columns:
//   events: list of [key, at, source, name or type, list of [identifier key, blocked] of what counts as evidence,
//     keys of what judgements took from it, judgements about the identifier, when each was made,
//     when each was withdrawn or `never`]
CALL () {
  MATCH (e:Event) WHERE e.key STARTS WITH $w.begin RETURN e
  UNION
  MATCH (e:Event {key: $w.earlier_key}) RETURN e
}
WITH e ORDER BY e.key
CALL (e) {
  MATCH (e)-[:OBSERVED]->(i:Identifier)
  WITH i ORDER BY i.key
  RETURN collect([i.key, i:Blocked]) AS observed
}
CALL (e) {
  MATCH (e)-[:DETACHED]->(i)
  WITH i ORDER BY i.key
  RETURN collect(i.key) AS detached
}
CALL (e) {
  OPTIONAL MATCH (e)-[o:OBSERVED|DETACHED]->(i) WHERE i.key = $w.key
  RETURN collect(o) AS judged
}
WITH e, observed, detached, head(judged) AS judged
RETURN collect([e.key, e.at, e.source, coalesce(e.name, e.type), observed, detached, coalesce(judged.judgements, []), coalesce(judged.detached_at, []), coalesce(judged.attached_at, [])]) AS events
