// Purpose: Rows of a mirrored table that are there no more.
// Access: read
// Space: instance
// Parameters:
//   w.call: string – source and call
//   w.run: integer – when the reading of all rows began
//   w.most: integer – how many at most
// Columns:
//   gone: list of [key, JSON of who it was, when it was seen last]
WITH $w AS w
MATCH (m:MirroredRow {call: w.call}) WHERE m.seen < w.run
WITH m ORDER BY m.seen LIMIT $w.most
RETURN collect([m.key, m.who, m.seen]) AS gone
