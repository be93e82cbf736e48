// Purpose: Changes of one audience in the order in which they were committed.
// Access: schema
CREATE INDEX membership_change_by_audience IF NOT EXISTS FOR (m:MembershipChange) ON (m.space, m.audience, m.position)
