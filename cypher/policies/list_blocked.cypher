// Purpose: The identifiers of a space that a policy blocked.
// Access: read
// Space: prefix
// Scan: few identifiers of the whole instance carry the label Blocked
// Parameters:
//   prefix: space and a slash
// Columns:
//   keys: list of identifier keys
MATCH (i:Blocked) WHERE i.key STARTS WITH $prefix
RETURN collect(i.key) AS keys
