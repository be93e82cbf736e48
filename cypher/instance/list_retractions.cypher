// Purpose: Retractions whose events are still to be taken out or given back, and that no worker holds.
// Access: read
// Space: instance
// Scan: few retractions of the whole instance carry the label Retracting
// Parameters: none
// Columns:
//   retractions: list of [space, id]
MATCH (r:Retracting) WHERE coalesce(r.lease_until, 0) < timestamp()
RETURN collect([r.space, r.id]) AS retractions
