// Purpose: Let a version of the policy that decides as the one before take over customers as they are.
// Access: write
// Space: parameter
// Parameters:
//   space: string
//   version: integer
//   most: how many customers
// Columns:
//   customers: integer – how many there were
MATCH (s:Space {name: $space}) WHERE s.policy_version = $version
MATCH (c:Customer {space: s.name}) WHERE c.policy_version < $version
WITH c LIMIT $most
SET c.policy_version = $version
RETURN count(c) AS customers
