// Purpose: How many rows of a mirrored table are known, and how many of them are there no more.
// Access: read
// Space: instance
// Parameters:
//   w.call: string – source and call
//   w.run: integer – when the reading of all rows began
// Columns:
//   known: integer
//   gone: integer
WITH $w AS w
MATCH (m:MirroredRow {call: w.call}) WHERE m.seen <= w.run
RETURN count(m) AS known, sum(CASE WHEN m.seen < w.run THEN 1 ELSE 0 END) AS gone
