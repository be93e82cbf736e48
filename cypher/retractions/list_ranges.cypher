// Purpose: What retractions in force cover of some sources.
// Access: read
// Space: w.sources
// Parameters:
//   w.sources: list of [space, source]
// Columns:
//   ranges: list of [space, source, list of [id, source, from, until]]
UNWIND $w.sources AS row
WITH row[0] AS space, row[1] AS source
CALL (space, source) {
  MATCH (r:Retraction {space: space, source: source}) WHERE r.withdrawn_at IS NULL
  RETURN collect([r.id, r.source, r.from, r.until]) AS ranges
}
RETURN collect([space, source, ranges]) AS ranges
