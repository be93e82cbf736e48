// Purpose: An account has one profile.
// Access: schema
CREATE CONSTRAINT account_profile_key IF NOT EXISTS FOR (p:AccountProfile) REQUIRE p.key IS UNIQUE
