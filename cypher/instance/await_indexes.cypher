// Purpose: Return when every index is online; fail when one is not in time.
// Access: schema
// Space: instance
// Parameters:
//   patience: integer – seconds
// Columns: none
CALL db.awaitIndexes($patience)
