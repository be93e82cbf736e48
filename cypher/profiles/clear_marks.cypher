// Purpose: Take the marks from what profiles were computed from; what was touched again waits since then.
// Access: write
// Space: keys
// Parameters:
//   w.space: string
//   w.identifiers: list of [key, mark], in order of the keys
// Columns: none
UNWIND $w.identifiers AS row
WITH {key: row[0], mark: row[1]} AS marked
MATCH (i:Identifier {key: marked.key})
SET i.space = $w.space // takes its lock
WITH i, marked.mark AS mark, coalesce(i.last_touched, i.touched) AS last
SET i.touched = CASE WHEN last <> mark THEN last END, i.last_touched = i.touched
