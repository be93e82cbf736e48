// Purpose: Claim a retraction whose events are still to be taken out or given back, unless another worker
//   holds it.
// Access: write
// Space: parameter
// Parameters:
//   space: string
//   id: string – retraction id
//   worker: string – who claims it
//   lease: integer – milliseconds until others may claim it; recorded progress extends the lease
// Columns:
//   place: [received_at, key] – how far it is: receipt and key of the last event that was looked at
MATCH (r:Retraction {id: $id}) WHERE r.space = $space
SET r.space = r.space // takes its lock
WITH r WHERE r:Retracting AND (r.worker = $worker OR coalesce(r.lease_until, 0) < timestamp())
SET r.worker = $worker, r.lease_until = timestamp() + $lease
RETURN [coalesce(r.place_at, r.from), coalesce(r.place_key, '')] AS place
