// Purpose: Record how far the load of a file is.
// Access: write
// Space: keys
// Parameters:
//   w.key: string – key of the load
//   w.space: string
//   w.name: string – of the file
//   w.place: integer – number of the last row of which all is stored, and of all before it
//   w.stored: integer – events among these rows
//   w.rejected: integer – rows set aside among these
//   w.done: boolean – whether that was the last row
// Columns: none
WITH $w AS w
MATCH (:Space {name: w.space})
MERGE (l:FileLoad {key: w.key})
SET l.space = w.space, l.name = w.name, l.place = w.place, l.stored = w.stored,
  l.rejected = w.rejected, l.done = w.done
