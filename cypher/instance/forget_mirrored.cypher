// Purpose: Forget rows of a mirrored table whose end was reported.
// Access: write
// Space: instance
// Parameters:
//   w.keys: list of keys of rows – sorted
// Columns: none
WITH $w AS w
UNWIND w.keys AS key
MATCH (m:MirroredRow {key: key})
DELETE m
