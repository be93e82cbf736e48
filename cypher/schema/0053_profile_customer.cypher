// Purpose: A customer has one profile.
// Access: schema
CREATE CONSTRAINT profile_customer IF NOT EXISTS FOR (p:Profile) REQUIRE p.customer_id IS UNIQUE
