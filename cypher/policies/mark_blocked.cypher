// Purpose: Mark identifiers that the policy blocks, so that no walk crosses them, and unmark those
//   that it no longer blocks, which then wait to be settled. A blocked identifier stays with its
//   customer until that is settled. Nothing is written when the policy is no longer the one in force.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.policy_version: integer
//   w.blocked: list of identifier keys, in order
//   w.free: list of identifier keys, in order
// Columns: none
MATCH (s:Space {name: $w.space}) WHERE s.policy_version = $w.policy_version
CALL () {
  UNWIND $w.blocked AS key
  MATCH (i:Identifier {key: key})
  SET i:Blocked
  REMOVE i:Unsettled
}
CALL () {
  UNWIND $w.free AS key
  MATCH (i:Identifier {key: key})
  REMOVE i:Blocked
  SET i:Unsettled
}
