// Purpose: Keep events that were set aside, with the reason; one that is sent again is kept once.
// Access: write
// Space: parameter
// Parameters:
//   w.space: name of the space
//   w.rejected: list of [key, id, message id or null, received_at, source, code, message, body as JSON]
// Columns: none
UNWIND $w.rejected AS r
MERGE (e:RejectedEvent {key: r[0]})
  ON CREATE SET e.id = r[1], e.space = $w.space, e.message_id = r[2], e.received_at = r[3], e.source = r[4],
    e.code = r[5], e.message = r[6], e.body = r[7]
