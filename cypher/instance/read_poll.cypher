// Purpose: How far a source was read from its database, and how that went last.
// Access: read
// Space: instance
// Parameters:
//   source: string – its name
// Columns:
//   begun_at: integer or null – when it was begun last
//   ended_at: integer or null – when it ended last
//   running: boolean – whether somebody is reading it
//   cursors: string or null – JSON, the cursor value of each call
//   report: string or null – JSON, what was read of each call the last time
//   error: string or null – why not everything was read the last time
MATCH (p:Poll {source: $source})
RETURN p.begun_at AS begun_at, p.ended_at AS ended_at, coalesce(p.lease_until, 0) >= timestamp() AS running,
  p.cursors AS cursors, p.report AS report, p.error AS error
