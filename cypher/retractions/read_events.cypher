// Purpose: Events by their keys, what they carry, and all judgements and retractions about that.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of event keys
// Columns:
//   events: as detachments/read_events has them
UNWIND $w.keys AS key
MATCH (e:Event {key: key})
CALL (e) {
  MATCH (e)-[o:OBSERVED|DETACHED]->(i)
  WITH o, i ORDER BY i.key
  RETURN collect([i.key, type(o) = 'OBSERVED', i:Blocked, coalesce(o.judgements, []), coalesce(o.detached_at, []), coalesce(o.attached_at, [])]) AS carried
}
RETURN collect([e.key, e.at, e.source, e.proven IS NOT NULL, coalesce(e.name, e.type), carried]) AS events
