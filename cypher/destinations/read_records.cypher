// Purpose: The records of customers at a destination, and others by their keys.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.destination: string
//   w.customers: list of customer ids
//   w.keys: list of record keys
// Columns:
//   records: list of properties
CALL () {
  UNWIND $w.customers AS id
  MATCH (r:OutgoingRecord {space: $w.space, customer_id: id})
  WHERE r.destination = $w.destination
  RETURN collect(properties(r)) AS of_customers
}
CALL () {
  UNWIND $w.keys AS record
  MATCH (r:OutgoingRecord {key: $w.space + '/' + $w.destination + '/' + record})
  RETURN collect(properties(r)) AS of_keys
}
RETURN of_customers + of_keys AS records
