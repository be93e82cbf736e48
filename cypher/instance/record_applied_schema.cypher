// Purpose: Record the schema files that were applied; one recorded before stays as it is.
// Access: write
// Space: instance
// Parameters:
//   w.files: list of [number, name, checksum]
// Columns: none
UNWIND $w.files AS file
MERGE (a:AppliedSchema {number: file[0]})
ON CREATE SET a.name = file[1], a.checksum = file[2], a.applied_at = timestamp()
