// Purpose: Have every destination of a space that holds records of customers erase them.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.customers: list of customer ids, sorted
//   w.at: integer
// Columns:
//   records: integer
MATCH (:Space {name: $w.space})
UNWIND $w.customers AS id
MATCH (r:OutgoingRecord {space: $w.space, customer_id: id})
WHERE r.state <> 'erased'
SET r.state = 'erasing', r.erase = true, r.erase_asked_at = $w.at, r.attempt = 0
REMOVE r.wanted, r.since, r.request, r.answer
WITH r, id
MERGE (o:Outgoing {key: $w.space + '/' + r.destination + '/' + id})
ON CREATE SET o.space = $w.space, o.destination = r.destination, o.customer_id = id
SET o.due = 0
RETURN count(DISTINCT r) AS records
