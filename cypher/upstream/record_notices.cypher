// Purpose: Record upstream notices of a source; one that is known stays as it is.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.source: string
//   w.received_at: integer
//   w.notices: list of [key, id, inbox, kind, topic, message id, identifiers as `type:value`, at or null] – sorted by key
// Columns: none
MATCH (:Space {name: $w.space})
UNWIND $w.notices AS row
WITH {key: row[0], id: row[1], inbox: row[2], kind: row[3], topic: row[4], message_id: row[5], identifiers: row[6],
  at: row[7]} AS notice
MERGE (n:UpstreamNotice {key: notice.key})
  ON CREATE SET n.id = notice.id, n.space = $w.space, n.source = $w.source, n.inbox = notice.inbox,
    n.kind = notice.kind, n.topic = notice.topic, n.message_id = notice.message_id,
    n.identifiers = notice.identifiers, n.at = notice.at, n.received_at = $w.received_at, n.state = 'OPEN'
