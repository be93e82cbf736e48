// Purpose: Have customers looked at for a destination, now.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.destination: string
//   w.customers: list of ids, sorted
// Columns:
//   marked: integer
MATCH (:Space {name: $w.space})
UNWIND $w.customers AS id
MERGE (o:Outgoing {key: $w.space + '/' + $w.destination + '/' + id})
ON CREATE SET o.space = $w.space, o.destination = $w.destination, o.customer_id = id
SET o.due = 0
RETURN count(*) AS marked
