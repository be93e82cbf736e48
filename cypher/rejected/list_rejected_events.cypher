// Purpose: Rejected events of a space, newest first.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.source: string or null – only those of this source
//   w.code: string or null – only those with this reason
//   w.since: integer – first moment of receipt
//   w.until: integer – last moment of receipt, inclusive
//   w.before: string – id of the last one of the page before
//   w.most: integer
// Columns:
//   rejected: list of [id, message_id, received_at, source, code, message, body JSON, sent_with JSON or null, key]
MATCH (r:RejectedEvent {space: $w.space})
WHERE r.id < $w.before AND r.received_at >= $w.since AND r.received_at <= $w.until
  AND ($w.source IS NULL OR r.source = $w.source) AND ($w.code IS NULL OR r.code = $w.code)
WITH r ORDER BY r.id DESC LIMIT $w.most
RETURN collect([
  r.id, r.message_id, r.received_at, r.source, r.code, r.message, r.body, r.sent_with, r.key
]) AS rejected
