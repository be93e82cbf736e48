// Purpose: Forget how far the loads of some files were, since nothing of them is left to do.
// Access: write
// Space: keys
// Parameters:
//   w.keys: list of keys of loads
// Columns: none
WITH $w AS w
UNWIND w.keys AS key
MATCH (l:FileLoad {key: key})
DELETE l
