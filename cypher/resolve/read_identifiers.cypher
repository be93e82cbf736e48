// Purpose: Identifiers by their keys.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of identifier keys
// Columns:
//   identifiers: list of [key, type, value, first_seen, last_seen, contested, super-connector], only those that exist
UNWIND $w.keys AS key
MATCH (i:Identifier {key: key})
RETURN collect([i.key, i.type, i.value, i.first_seen, i.last_seen, i:Contested, i:SuperConnector]) AS identifiers
