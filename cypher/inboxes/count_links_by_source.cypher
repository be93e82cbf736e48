// Purpose: How many new links each of the given identifiers got from each source, by day (UTC), without those to
//   identifiers that the policy blocks. A link that several sources saw counts for each of them.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of identifier keys
// Columns:
//   grown: list of [key, list of [source, day, counted from 1970, number of new links], by day], only
//     identifiers that exist
UNWIND $w.keys AS key
MATCH (i:Identifier {key: key})
CALL (i) {
  MATCH (i)-[l:OBSERVED_TOGETHER]-(n:Identifier) WHERE NOT n:Blocked
  UNWIND l.sources AS source
  WITH source, toInteger(floor(l.first_seen / 86400000.0)) AS day, count(*) AS added
  ORDER BY day, source
  RETURN collect([source, day, added]) AS days
}
RETURN collect([key, days]) AS grown
