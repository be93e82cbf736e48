// Purpose: Record which rows of a mirrored table are there.
// Access: write
// Space: instance
// Parameters:
//   w.source: string – its name; nothing is recorded where it feeds no space
//   w.call: string – source and call
//   w.run: integer – when this reading of all rows began
//   w.rows: list of [key, JSON of who it is] – sorted by key
// Columns: none
WITH $w AS w
MATCH (source:Source {name: w.source}) WHERE EXISTS { (source)-[:FEEDS]->() }
UNWIND w.rows AS row
WITH w, {key: row[0], who: row[1]} AS mirrored
MERGE (m:MirroredRow {key: mirrored.key})
SET m.call = w.call, m.seen = w.run, m.who = mirrored.who
