// Purpose: Rejected events of a space, newest first.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.before: string – id of the last one of the page before
//   w.most: integer
// Columns:
//   rejected: list of [id, message_id, received_at, source, code, message, body JSON]
MATCH (r:RejectedEvent {space: $w.space})
WHERE r.id < $w.before
WITH r ORDER BY r.id DESC LIMIT $w.most
RETURN collect([r.id, r.message_id, r.received_at, r.source, r.code, r.message, r.body]) AS rejected
