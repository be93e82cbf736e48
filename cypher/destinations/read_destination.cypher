// Purpose: A destination.
// Access: read
// Space: keys
// Parameters:
//   key: string – of the destination
// Columns:
//   destination: map of its properties
MATCH (d:Destination {key: $key})
RETURN properties(d) AS destination
