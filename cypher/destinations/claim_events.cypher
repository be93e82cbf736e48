// Purpose: Record of events, before they are sent, that nobody knows whether a destination took them; which of
//   them may be sent. One that went there before, or whose record is being erased, may not.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.destination: string
//   w.events: list of [record key, key without the space, message_id, customer id], sorted
// Columns:
//   claimed: list of keys without the space
MATCH (:Space {name: $w.space})
UNWIND $w.events AS row
WITH {record: row[0], event: row[1], message_id: row[2], customer_id: row[3]} AS claim
MATCH (r:OutgoingRecord {key: $w.space + '/' + $w.destination + '/' + claim.record})
SET r.space = $w.space // takes its lock
WITH r, claim WHERE r.erase IS NULL
MERGE (o:OutgoingEvent {key: $w.space + '/' + $w.destination + '/' + claim.event})
SET o.space = $w.space // takes its lock
WITH o, claim WHERE o.state IS NULL OR o.state = 'waiting'
SET o.destination = $w.destination, o.event = claim.event, o.message_id = claim.message_id,
  o.customer_id = claim.customer_id, o.record = claim.record, o.state = 'unknown'
RETURN collect(claim.event) AS claimed
