// Purpose: End the deletion of a space of which nothing is left: its name is free, and so are those of the
//   sources that fed nothing else.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.worker: string – who holds it
// Columns:
//   ended: boolean
MATCH (d:SpaceDeletion {name: $w.space})
SET d.name = $w.space // takes its lock
WITH d WHERE d.worker = $w.worker
CALL (d) {
  UNWIND d.sources AS name
  MATCH (source:Source {name: name})
  SET source.name = name // takes its lock
  WITH source WHERE NOT EXISTS { (source)-[:FEEDS]->() }
  DETACH DELETE source
  RETURN count(*) AS sources
}
DELETE d
RETURN true AS ended
