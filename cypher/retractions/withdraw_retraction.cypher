// Purpose: Withdraw a retraction, whose events are still to be given back to the evidence. Nothing is written
//   when it was withdrawn before.
// Access: write
// Space: parameter
// Parameters:
//   space: string
//   id: string – retraction id
//   at: integer – when
//   author: string
//   reason: string
// Columns:
//   id: string
MATCH (s:Space {name: $space})
MATCH (r:Retraction {id: $id}) WHERE r.space = s.name
SET r.space = r.space // takes its lock
WITH s, r WHERE r.withdrawn_at IS NULL
SET s.retractions_rev = coalesce(s.retractions_rev, 0) + 1
SET r:Retracting, r.withdrawn_at = $at, r.withdrawn_by = $author, r.withdrawn_reason = $reason, r.total = r.events, r.events = 0, r.skipped = 0
REMOVE r.worker, r.lease_until, r.place_at, r.place_key
RETURN r.id AS id
