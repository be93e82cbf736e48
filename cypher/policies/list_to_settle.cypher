// Purpose: Some of the customers that are not settled under a version of the policy yet, each by
//   one of its identifiers and its super-connectors, and identifiers that wait to be settled.
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
//   unsettled: list of identifier keys
CALL () {
  MATCH (c:Customer {space: $space}) WHERE c.policy_version < $version
  WITH c LIMIT $most
  RETURN collect(c) AS found
}
CALL (found) {
  UNWIND found AS c
  MATCH (c)<-[:BELONGS_TO]-(i:Identifier)
  WITH c, collect(i) AS members
  UNWIND [i IN members WHERE i:SuperConnector] + [i IN members WHERE NOT i:SuperConnector][..1] AS i
  RETURN collect([i.key, i:Contested, i:SuperConnector]) AS starts
}
CALL () {
  MATCH (i:Unsettled) WHERE i.key STARTS WITH $prefix
  WITH i LIMIT $most
  RETURN collect(i.key) AS unsettled
}
RETURN [c IN found | c.id] AS customers, starts, unsettled
