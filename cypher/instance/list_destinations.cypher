// Purpose: Destinations of all spaces that have something to send, and are not paused.
// Access: read
// Space: instance
// Scan: there are few
// Parameters:
//   now: integer – milliseconds since 1970
// Columns:
//   destinations: list of [space, name]
MATCH (d:Destination)
WHERE d.paused_at IS NULL AND (
  d.sync_done_at IS NULL AND d.sync_begun_at IS NOT NULL
  OR EXISTS { MATCH (o:Outgoing {space: d.space, destination: d.name}) WHERE o.due <= $now }
)
RETURN collect([d.space, d.name]) AS destinations
