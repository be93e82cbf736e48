// Purpose: Changes of the memberships of a customer.
// Access: schema
CREATE INDEX membership_change_by_customer IF NOT EXISTS FOR (m:MembershipChange) ON (m.customer_id)
