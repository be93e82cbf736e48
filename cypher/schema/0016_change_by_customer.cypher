// Purpose: Changes of a customer.
// Access: schema
CREATE INDEX change_by_customer IF NOT EXISTS FOR (c:Change) ON (c.customer_id)
