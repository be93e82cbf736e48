// Purpose: Mark customers as settled by a version of the policy that decides as the one before did.
// Access: write
// Space: parameter
// Parameters:
//   space: string
//   version: integer
//   most: how many customers
// Columns:
//   customers: integer – how many were marked
MATCH (s:Space {name: $space}) WHERE s.policy_version = $version
MATCH (c:Customer {space: s.name}) WHERE c.policy_version < $version
WITH c LIMIT $most
SET c.policy_version = $version
RETURN count(c) AS customers
