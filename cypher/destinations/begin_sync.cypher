// Purpose: Begin to go through all customers of a space for a destination, from the first one.
// Access: write
// Space: keys
// Parameters:
//   w.key: string
//   w.at: integer
// Columns:
//   destination: map of its properties
MATCH (d:Destination {key: $w.key})
SET d.sync_begun_at = $w.at, d.sync_since = -9007199254740992, d.sync_after = '', d.sync_marked = 0
REMOVE d.sync_done_at
RETURN properties(d) AS destination
