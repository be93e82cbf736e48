// Purpose: Customers of a space that were settled since a time, for incremental exports.
// Access: schema
CREATE INDEX customer_by_settlement IF NOT EXISTS FOR (c:Customer) ON (c.space, c.settled_at)
