// Purpose: Record the schema files that were applied; one recorded before stays as it is.
// Access: write
// Space: instance
// Parameters:
//   w.files: list of [number, name, checksum]
// Columns: none
UNWIND $w.files AS row
WITH {number: row[0], name: row[1], checksum: row[2]} AS file
MERGE (a:AppliedSchema {number: file.number})
ON CREATE SET a.name = file.name, a.checksum = file.checksum, a.applied_at = timestamp()
