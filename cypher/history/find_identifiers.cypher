// Purpose: Which of the given identifiers exist, and how many events each has now.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of identifier keys
// Columns:
//   found: list of [key, super-connector, number of events], only those that exist
UNWIND $w.keys AS key
MATCH (i:Identifier {key: key})
RETURN collect([key, i:SuperConnector, COUNT { (i)<-[:OBSERVED]-() }]) AS found
