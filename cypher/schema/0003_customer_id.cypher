// Purpose: A customer is found by its persistent id.
// Access: schema
CREATE CONSTRAINT customer_id IF NOT EXISTS FOR (c:Customer) REQUIRE c.id IS UNIQUE
