// Purpose: An upstream notice of a space.
// Access: read
// Space: parameter
// Parameters:
//   space: string
//   id: string – notice id
// Columns:
//   notice: [id, source, received_at, kind, topic, message id, identifiers as `type:value`, at, state, decided_at, decided_by, reason,
//     judgement]
MATCH (n:UpstreamNotice {id: $id}) WHERE n.space = $space
RETURN [n.id, n.source, n.received_at, n.kind, n.topic, n.message_id, n.identifiers, n.at, n.state, n.decided_at, n.decided_by, n.reason, n.judgement] AS notice
