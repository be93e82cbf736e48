// Purpose: Record how far the replay of a source into a space is.
// Access: write
// Space: parameter
// Parameters:
//   w.key: string – key of the replay
//   w.space: string – into which it goes
//   w.source: string
//   w.at: integer – receipt of the last event that was looked at
//   w.place_key: string – key of that event
//   w.events: integer – those that were sent
// Columns: none
MATCH (:Space {name: $w.space})
MERGE (r:Replay {key: $w.key})
SET r.space = $w.space, r.source = $w.source, r.place_at = $w.at, r.place_key = $w.place_key, r.events = $w.events
