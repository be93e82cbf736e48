// Purpose: Keep events that were set aside, with the reason.
// Access: write
// Space: parameter
// Parameters:
//   w.space: name of the space
//   w.rejected: list of [id, message id or null, received_at, source, code, message, body as JSON]
// Columns: none
UNWIND $w.rejected AS r
CREATE (:RejectedEvent {id: r[0], space: $w.space, message_id: r[1], received_at: r[2], source: r[3], code: r[4], message: r[5], body: r[6]})
