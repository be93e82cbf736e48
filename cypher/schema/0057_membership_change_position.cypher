// Purpose: Changes of memberships of a space in the order in which they were committed.
// Access: schema
CREATE CONSTRAINT membership_change_position IF NOT EXISTS FOR (m:MembershipChange) REQUIRE (m.space, m.position) IS UNIQUE
