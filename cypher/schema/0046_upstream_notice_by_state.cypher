// Purpose: Upstream notices of a space, merges and requests apart, those of one state by id.
// Access: schema
CREATE INDEX upstream_notice_by_state IF NOT EXISTS FOR (n:UpstreamNotice) ON (n.space, n.inbox, n.state, n.id)
