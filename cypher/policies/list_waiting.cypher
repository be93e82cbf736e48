// Purpose: Identifiers that wait to be settled, in order of their keys.
// Access: read
// Space: prefix
// Scan: few identifiers of the whole instance carry the label Unsettled
// Parameters:
//   prefix: space and a slash
//   after: key of the last one of the page before, or the lower bound of the space's keys
//   most: how many
// Columns:
//   found: list of [key, cause of what follows or null, contested, super-connector]
MATCH (i:Unsettled) WHERE i.key STARTS WITH $prefix AND i.key > $after
WITH i ORDER BY i.key LIMIT $most
RETURN collect([i.key, i.deferred_cause, i:Contested, i:SuperConnector]) AS found
