// Purpose: The identifiers that events carried at a moment, without those that a judgement in force had
//   taken from them.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of event keys
//   w.at: integer – the moment, inclusive
// Columns:
//   carried: list of [event key, list of identifier keys]
UNWIND $w.keys AS key
MATCH (e:Event {key: key})
CALL (e) {
  MATCH (e)-[seen:OBSERVED|DETACHED]->(i)
  WHERE (seen.detached_at IS NULL OR none(n IN range(0, size(seen.detached_at) - 1) WHERE toInteger(seen.detached_at[n]) <= $w.at AND coalesce(toInteger(seen.attached_at[n]) > $w.at, true)))
  RETURN collect(i.key) AS identifiers
}
RETURN collect([key, identifiers]) AS carried
