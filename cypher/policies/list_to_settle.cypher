// Purpose: Some of the customers that are not settled under a version of the policy yet, each by
//   one of its identifiers and its super-connectors, and identifiers that wait to be settled.
// Access: read
// Space: parameter space
// Scan: few identifiers of the whole instance carry the label Unsettled
// Parameters:
//   space: string
//   prefix: space and a slash
//   version: integer
//   connected: boolean: also customers that hold a super-connector
//   most: how many of each
// Columns:
//   customers: list of ids
//   starts: list of [identifier key, contested, number of links if it is a super-connector]
//   unsettled: list of identifier keys
CALL () {
  MATCH (c:Customer {space: $space}) WHERE c.policy_version < $version AND ($connected OR NOT EXISTS { (c)<-[:BELONGS_TO]-(:SuperConnector) })
  WITH c LIMIT $most
  RETURN collect(c) AS found
}
CALL (found) {
  UNWIND found AS c
  MATCH (c)<-[:BELONGS_TO]-(i:Identifier)
  WITH c, collect(i) AS members
  UNWIND [i IN members WHERE i:SuperConnector] + head([i IN members WHERE NOT i:SuperConnector]) AS i
  RETURN collect([i.key, i:Contested, CASE WHEN i:SuperConnector THEN COUNT { (i)-[:OBSERVED_TOGETHER]-(o) WHERE NOT o:Blocked } END]) AS starts
}
CALL () {
  MATCH (i:Unsettled) WHERE i.key STARTS WITH $prefix
  WITH i LIMIT $most
  RETURN collect(i.key) AS unsettled
}
RETURN [c IN found | c.id] AS customers, starts, unsettled
