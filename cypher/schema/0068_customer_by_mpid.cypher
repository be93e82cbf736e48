// Purpose: A customer is found by the number that mParticle's Profile API knows it by.
// Access: schema
CREATE INDEX customer_by_mpid IF NOT EXISTS FOR (c:Customer) ON (c.space, c.mpid)
