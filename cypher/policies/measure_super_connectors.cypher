// Purpose: The super-connectors of a space, with their links, those to blocked identifiers left out.
// Access: read
// Space: prefix
// Scan: few identifiers of the whole instance carry the label SuperConnector
// Parameters:
//   prefix: space and a slash
// Columns:
//   found: list of [identifier key, number of links]
MATCH (i:SuperConnector) WHERE i.key STARTS WITH $prefix
RETURN collect([i.key, COUNT { (i)-[:OBSERVED_TOGETHER]-(o) WHERE NOT o:Blocked }]) AS found
