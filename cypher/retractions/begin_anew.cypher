// Purpose: Have retractions look for their events once more: some were written that they retract.
// Access: write
// Space: keys
// Parameters:
//   ids: list of retraction ids
// Columns:
//   written: boolean
UNWIND $ids AS id
MATCH (r:Retraction {id: id})
SET r:Retracting
REMOVE r.worker, r.lease_until, r.place_at, r.place_key
RETURN count(r) = size($ids) AS written
