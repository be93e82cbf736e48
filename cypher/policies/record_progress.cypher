// Purpose: Say how far the settlement of a version is.
// Access: write
// Space: keys
// Parameters:
//   space: string
//   key: key of the policy
//   version: integer
// Columns:
//   to_settle: integer
//   settled: integer
CALL () {
  MATCH (c:Customer {space: $space}) WHERE c.policy_version < $version
  RETURN count(c) AS left
}
MATCH (p:Policy {key: $key})
SET p.settled = CASE WHEN left > p.to_settle THEN 0 ELSE p.to_settle - left END
RETURN p.to_settle AS to_settle, p.settled AS settled
