// Purpose: Give positions, in the order of their ids, to changes that were written before
//   changes had any.
// Access: write
// Space: instance
// Scan: spaces are few, and each is numbered once
// Parameters: none
// Columns: none
MATCH (s:Space) WHERE s.last_position IS NULL
CALL (s) {
  SET s.last_position = 0
  WITH s
  MATCH (x:Change {space: s.name})
  WITH s, x ORDER BY x.id
  WITH s, collect(x) AS changes
  SET s.last_position = size(changes)
  WITH changes
  UNWIND range(0, size(changes) - 1) AS place
  WITH changes[place] AS x, place
  SET x.position = place + 1
} IN TRANSACTIONS OF 1 ROW
