// Purpose: The records of a customer, at one destination or at all.
// Access: schema
CREATE INDEX outgoing_record_by_customer IF NOT EXISTS FOR (r:OutgoingRecord) ON (r.space, r.customer_id)
