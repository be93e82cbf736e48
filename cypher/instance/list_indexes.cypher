// Purpose: The state of every index, those behind constraints among them.
// Access: read
// Space: instance
// Parameters: none
// Columns:
//   name: string
//   state: string – ONLINE, POPULATING or FAILED
SHOW INDEXES YIELD name, state RETURN name, state
