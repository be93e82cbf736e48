// Purpose: Put a new version of a space's policy in force, unless another version than the expected one is in force.
// Access: write
// Space: parameter
// Parameters:
//   space: string
//   expected: version that must be in force
//   text: string
//   now: integer
//   author: string
//   note: string or null
// Columns:
//   version: version in force now
//   put: boolean
MATCH (s:Space {name: $space})
SET s.policy_version = s.policy_version + 1
WITH s, s.policy_version = $expected + 1 AS put
SET s.policy_version = CASE WHEN put THEN s.policy_version ELSE s.policy_version - 1 END
WITH s, put
CALL (s, put) {
  WITH s, put WHERE put
  OPTIONAL MATCH (c:Customer {space: s.name}) WHERE c.policy_version < s.policy_version
  WITH s, count(c) AS to_settle
  CREATE (:Policy:Settling {key: s.name + '/' + toString(s.policy_version), space: s.name, version: s.policy_version, text: $text, created_at: $now, author: $author, note: $note, to_settle: to_settle, settled: 0})
}
RETURN s.policy_version AS version, put
