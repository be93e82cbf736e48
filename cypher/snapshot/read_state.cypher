// Purpose: Numbers that differ as soon as customers, judgements or the policy of a space have changed.
// Access: read
// Space: parameter
// Parameters:
//   space: string
// Columns:
//   state: [version of the policy in force, number of customers, sum of their revisions,
//     number of judgements, number of withdrawn judgements]
MATCH (s:Space {name: $space})
CALL () {
  MATCH (c:Customer {space: $space}) WHERE c.policy_version IS NOT NULL
  RETURN count(c) AS customers, sum(c.rev) AS revisions
}
CALL () {
  MATCH (j:Judgement {space: $space}) WHERE j.id IS NOT NULL
  RETURN count(j) AS judgements, count(j.withdrawn_at) AS withdrawn
}
RETURN [s.policy_version, customers, revisions, judgements, withdrawn] AS state
