// Purpose: Changes that retired, split off or fed a customer.
// Access: schema
CREATE INDEX change_by_other_customer IF NOT EXISTS FOR (c:Change) ON (c.other_customer_id)
