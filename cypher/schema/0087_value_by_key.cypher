// Purpose: Values of features of a space in their order, each with its customer.
// Access: schema
CREATE INDEX value_by_key IF NOT EXISTS FOR ()-[v:HAS_VALUE]-() ON (v.key)
