// Purpose: A customer is in an audience once; members of an audience lie side by side.
// Access: schema
CREATE CONSTRAINT membership_key IF NOT EXISTS FOR (m:Membership) REQUIRE m.key IS UNIQUE
