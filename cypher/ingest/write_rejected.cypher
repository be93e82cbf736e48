// Purpose: Keep rejected events, each with its reason; one that is sent again is kept once.
// Access: write
// Space: parameter
// Parameters:
//   w.space: name of the space
//   w.rejected: list of [key, id, message id or null, received_at, source, code, message, body as JSON, what its reading needs
//     beside the body as JSON or null, bytes of all that]
// Columns: none
MATCH (:Space {name: $w.space})
UNWIND $w.rejected AS row
WITH {key: row[0], id: row[1], message_id: row[2], received_at: row[3], source: row[4], code: row[5], message: row[6],
  body: row[7], sent_with: row[8], bytes: row[9]} AS rejected
MERGE (e:RejectedEvent {key: rejected.key})
  ON CREATE SET e.id = rejected.id, e.space = $w.space, e.message_id = rejected.message_id,
    e.received_at = rejected.received_at, e.source = rejected.source, e.code = rejected.code,
    e.message = rejected.message, e.body = rejected.body, e.sent_with = rejected.sent_with, e.bytes = rejected.bytes
