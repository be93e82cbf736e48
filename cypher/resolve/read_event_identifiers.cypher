// Purpose: The identifiers that each of the given events carries.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of event keys
// Columns:
//   events: list of [event key, list of [key, type, value, first_seen, last_seen, contested, super-connector]]
UNWIND $w.keys AS key
MATCH (e:Event {key: key})
CALL (e) {
  MATCH (e)-[:OBSERVED]->(i:Identifier)
  RETURN collect([i.key, i.type, i.value, i.first_seen, i.last_seen, i:Contested, i:SuperConnector]) AS identifiers
}
RETURN collect([key, identifiers]) AS events
