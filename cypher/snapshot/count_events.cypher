// Purpose: How many events are attributed to each of the given identifiers.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of identifier keys
// Columns:
//   counts: list of [key, count], only identifiers that exist
UNWIND $w.keys AS key
MATCH (i:Identifier {key: key})
RETURN collect([key, COUNT { (i)<-[:ATTRIBUTED_TO]-() }]) AS counts
