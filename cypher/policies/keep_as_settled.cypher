// Purpose: Say of customers in over-connected components that the policy's settlement passed
//   them by; they stay as they are.
// Access: write
// Space: parameter
// Parameters:
//   space: string
//   customers: list of ids
//   version: integer
// Columns: none
UNWIND $customers AS id
MATCH (c:Customer {id: id}) WHERE c.space = $space AND c.policy_version < $version
SET c.policy_version = $version
