// Purpose: Some of the customers that a version of the policy has not settled yet, each with its
//   super-connectors and one other identifier that is not blocked.
// Access: read
// Space: parameter
// Parameters:
//   space: string
//   version: integer
//   most: how many customers
// Columns:
//   customers: list of ids
//   starts: list of [identifier key, contested, super-connector or blocked: a walk ends there]
CALL () {
  MATCH (c:Customer {space: $space}) WHERE c.policy_version < $version
  WITH c LIMIT $most
  RETURN collect(c) AS found
}
CALL (found) {
  UNWIND found AS c
  MATCH (c)<-[:BELONGS_TO]-(i:Identifier)
  WITH c, collect(i) AS members
  WITH members, [i IN members WHERE NOT i:SuperConnector AND NOT i:Blocked] AS plain
  UNWIND plain[..1] + [i IN members WHERE i:SuperConnector OR (i:Blocked AND plain = [])] AS i
  RETURN collect([i.key, i:Contested, i:SuperConnector OR i:Blocked]) AS starts
}
RETURN [c IN found | c.id] AS customers, starts
