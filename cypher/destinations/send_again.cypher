// Purpose: Have dead records of a destination sent again.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.destination: string
//   w.records: list of record keys, sorted; null: of all that are dead
//   w.most: integer
// Columns:
//   sent: integer
MATCH (:Space {name: $w.space})
MATCH (r:OutgoingRecord {space: $w.space, destination: $w.destination, state: 'dead'})
WHERE r.key IS NOT NULL AND ($w.records IS NULL OR r.record IN $w.records)
WITH r ORDER BY r.key LIMIT $w.most
SET r.state = CASE WHEN r.erase THEN 'erasing' ELSE 'waiting' END, r.attempt = 0
REMOVE r.wanted, r.since
WITH r, r.customer_id AS id
MERGE (o:Outgoing {key: $w.space + '/' + $w.destination + '/' + id})
ON CREATE SET o.space = $w.space, o.destination = $w.destination, o.customer_id = id
SET o.due = 0
RETURN count(DISTINCT r) AS sent
