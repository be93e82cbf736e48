// Purpose: The state of every index, those behind constraints among them.
// Access: read
// Space: instance
// Parameters: none
// Columns:
//   name: string
//   state: string – ONLINE, POPULATING or FAILED
//   percent: float – how much of it is built
SHOW INDEXES YIELD name, state, populationPercent RETURN name, state, populationPercent AS percent
