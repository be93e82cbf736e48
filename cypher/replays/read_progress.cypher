// Purpose: How far the replay of a source into a space is.
// Access: read
// Space: keys
// Parameters:
//   key: string – key of the replay
// Columns:
//   place: [received_at, key] of the last event that was looked at
//   events: integer – those that were sent
MATCH (r:Replay {key: $key})
RETURN [r.place_at, r.place_key] AS place, r.events AS events
