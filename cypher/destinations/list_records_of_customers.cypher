// Purpose: What the destinations of a space hold of customers.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.customers: list of customer ids
//   w.most: integer
// Columns:
//   records: list of properties
UNWIND $w.customers AS id
MATCH (r:OutgoingRecord {space: $w.space, customer_id: id})
WITH r ORDER BY r.key LIMIT $w.most
RETURN collect(properties(r)) AS records
