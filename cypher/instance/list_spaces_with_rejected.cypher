// Purpose: Spaces that have rejected events.
// Access: read
// Space: instance
// Scan: spaces are few
// Parameters: none
// Columns:
//   spaces: list of names
MATCH (s:Space)
WHERE EXISTS { MATCH (r:RejectedEvent {space: s.name}) }
RETURN collect(s.name) AS spaces
