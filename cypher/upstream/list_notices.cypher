// Purpose: Upstream notices of a space, newest first.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.inbox: string – merge or request
//   w.state: string
//   w.from_source: string or null – only those of this source
//   w.before: string – id of the last one of the page before
//   w.most: integer
// Columns:
//   notices: list of [id, source, received_at, kind, topic, message id, identifiers as `type:value`, at, state, decided_at,
//     decided_by, reason, judgement]
MATCH (n:UpstreamNotice {space: $w.space, inbox: $w.inbox, state: $w.state})
WHERE n.id < $w.before AND ($w.from_source IS NULL OR n.source = $w.from_source)
WITH n ORDER BY n.id DESC LIMIT $w.most
RETURN collect([n.id, n.source, n.received_at, n.kind, n.topic, n.message_id, n.identifiers, n.at, n.state, n.decided_at, n.decided_by, n.reason, n.judgement]) AS notices
