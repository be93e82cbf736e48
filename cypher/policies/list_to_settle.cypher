// Purpose: Some of the customers that are not settled under a version of the policy yet, each by
//   one of its identifiers, and identifiers that have no customer.
// Access: read
// Space: parameter
// Scan: few identifiers of the whole instance carry the label Unsettled
// Parameters:
//   space: string
//   prefix: space and a slash
//   version: integer
//   most: how many of each
// Columns:
//   customers: list of ids
//   starts: list of [identifier key, contested, super-connector]
CALL () {
  MATCH (c:Customer {space: $space}) WHERE c.policy_version < $version
  WITH c LIMIT $most
  RETURN collect(c) AS found
}
CALL (found) {
  UNWIND found AS c
  MATCH (c)<-[:BELONGS_TO]-(i:Identifier)
  WITH c, head(collect(i)) AS i
  RETURN collect([i.key, i:Contested, i:SuperConnector]) AS settled
}
CALL () {
  MATCH (i:Unsettled) WHERE i.key STARTS WITH $prefix
  WITH i LIMIT $most
  RETURN collect([i.key, i:Contested, i:SuperConnector]) AS unsettled
}
RETURN [c IN found | c.id] AS customers, settled + unsettled AS starts
