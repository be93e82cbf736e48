// Purpose: Which of the given identifiers exist, and how many events each has or had.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of identifier keys
// Columns:
//   found: list of [key, super-connector, number of events, those that judgements took it from too], only those that exist
UNWIND $w.keys AS key
MATCH (i:Identifier|UnseenIdentifier {key: key})
RETURN collect([key, i:SuperConnector, COUNT { (i)<-[:OBSERVED|DETACHED]-() }]) AS found
