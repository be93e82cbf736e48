// Purpose: Some rejected events of a space, by their ids.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.ids: list of rejected events' ids
// Columns:
//   rejected: list of [id, message_id, received_at, source, code, message, body JSON, sent_with JSON or null, key], only those that
//     exist, oldest first
MATCH (r:RejectedEvent {space: $w.space})
WHERE r.id IN $w.ids
WITH r ORDER BY r.id
RETURN collect([
  r.id, r.message_id, r.received_at, r.source, r.code, r.message, r.body, r.sent_with, r.key
]) AS rejected
