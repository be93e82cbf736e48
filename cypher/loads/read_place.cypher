// Purpose: How far the load of a file was when it stopped; no row where it never began.
// Access: read
// Space: keys
// Parameters:
//   key: string – key of the load
// Columns:
//   place: integer – number of the last row of which all is stored, and of all before it
//   stored: integer – events among these rows
//   rejected: integer – rows set aside among these
//   done: boolean – whether that was the last row
MATCH (l:FileLoad {key: $key})
RETURN l.place AS place, l.stored AS stored, l.rejected AS rejected, l.done AS done
