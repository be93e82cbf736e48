// Purpose: Keep the number of a customer, so that it is found by it, now and once its id retires.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.customer: string – customer id
//   w.mpid: integer
// Columns:
//   kept: integer – 1 where it was not kept before
MATCH (c:Customer {id: $w.customer})
WHERE c.space = $w.space AND c.mpid IS NULL
SET c.mpid = $w.mpid
RETURN count(c) AS kept
