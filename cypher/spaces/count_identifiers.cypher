// Purpose: Identifiers of a space.
// Access: read
// Space: keys
// Parameters:
//   prefix: string – the name of the space and a slash
// Columns:
//   number: integer
MATCH (i:Identifier)
WHERE i.key STARTS WITH $prefix
RETURN count(*) AS number
