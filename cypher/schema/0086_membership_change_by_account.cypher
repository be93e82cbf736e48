// Purpose: Changes of the memberships of an account.
// Access: schema
CREATE INDEX membership_change_by_account IF NOT EXISTS FOR (m:MembershipChange) ON (m.space, m.account_id)
