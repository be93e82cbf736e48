// Purpose: Record how far a retraction is, and extend the lease on it. Nothing is written when another worker
//   holds it, or when it was withdrawn since it was claimed.
// Access: write
// Space: keys
// Parameters:
//   w.id: string – retraction id
//   w.worker: string – who works at it
//   w.lease: integer – milliseconds until others may claim it
//   w.at: integer or null – receipt of the last event that was looked at
//   w.key: string or null – key of that event
//   w.skipped: integer – events since the last record that could not be taken out or given back
// Columns:
//   id: string
MATCH (r:Retraction {id: $w.id})
SET r.space = r.space // takes its lock
WITH r WHERE r:Retracting AND r.worker = $w.worker
SET r.lease_until = timestamp() + $w.lease, r.place_at = $w.at, r.place_key = $w.key, r.skipped = r.skipped + $w.skipped
RETURN r.id AS id
