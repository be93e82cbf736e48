// Purpose: All customers of a space, by the policy version that they were settled under.
// Access: schema
CREATE INDEX customer_by_space IF NOT EXISTS FOR (c:Customer) ON (c.space, c.policy_version)
