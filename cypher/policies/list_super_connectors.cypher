// Purpose: The super-connectors of a space, in order of their keys, with their links, those to
//   blocked identifiers left out.
// Access: read
// Space: prefix
// Scan: few identifiers of the whole instance carry the label SuperConnector
// Parameters:
//   prefix: space and a slash
//   after: key of the last one of the page before, or the lower bound of the space's keys
//   most: how many
// Columns:
//   found: list of [identifier key, number of links]
MATCH (i:SuperConnector) WHERE i.key STARTS WITH $prefix AND i.key > $after
WITH i ORDER BY i.key LIMIT $most
RETURN collect([i.key, COUNT { (i)-[:OBSERVED_TOGETHER]-(o) WHERE NOT o:Blocked }]) AS found
