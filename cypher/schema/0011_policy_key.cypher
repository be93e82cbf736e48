// Purpose: A version of a policy exists once per space.
// Access: schema
CREATE CONSTRAINT policy_key IF NOT EXISTS FOR (p:Policy) REQUIRE p.key IS UNIQUE
