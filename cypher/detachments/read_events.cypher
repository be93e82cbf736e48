// Purpose: The events with a message id, what they carry, and all judgements about that.
// Access: read
// Space: keys
// Parameters:
//   w.begin: string – what the keys of these events begin with
//   w.earlier_key: event key – as an earlier version wrote it
// Columns:
//   events: list of [key, at, source, proven, name or type, list of [identifier key, whether it counts as evidence,
//     blocked, judgements that took or take it from the event, when each was made, when each was
//     withdrawn or `never`]]
CALL () {
  MATCH (e:Event) WHERE e.key STARTS WITH $w.begin RETURN e
  UNION
  MATCH (e:Event {key: $w.earlier_key}) RETURN e
}
WITH e ORDER BY e.key
CALL (e) {
  MATCH (e)-[o:OBSERVED|DETACHED]->(i)
  WITH o, i ORDER BY i.key
  RETURN collect([i.key, type(o) = 'OBSERVED', i:Blocked, coalesce(o.judgements, []), coalesce(o.detached_at, []), coalesce(o.attached_at, [])]) AS carried
}
RETURN collect([e.key, e.at, e.source, e.proven IS NOT NULL, coalesce(e.name, e.type), carried]) AS events
