// Purpose: Retractions of a space, withdrawn ones too, newest first.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.before: string – id of the last retraction of the page before
//   w.most: integer
// Columns:
//   retractions: list of [id, source, from, until, made_at, author, reason, withdrawn_at, withdrawn_by, withdrawn_reason,
//     events that were taken out or given back, events that could not be, how many are to be given back or
//     null, receipt of the last event that was looked at or null, done]
MATCH (r:Retraction {space: $w.space}) WHERE r.id < $w.before
WITH r ORDER BY r.id DESC LIMIT $w.most
RETURN collect([r.id, r.source, r.from, r.until, r.made_at, r.author, r.reason, r.withdrawn_at, r.withdrawn_by, r.withdrawn_reason, r.events, r.skipped, r.total, r.place_at, NOT r:Retracting]) AS retractions
