// Purpose: Every schema file that was applied to this database.
// Access: read
// Space: instance
// Scan: one node per schema file
// Parameters: none
// Columns:
//   applied: list of [number, name, checksum]
MATCH (a:AppliedSchema)
WITH a ORDER BY a.number
RETURN collect([a.number, a.name, a.checksum]) AS applied
