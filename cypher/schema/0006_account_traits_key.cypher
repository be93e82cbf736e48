// Purpose: Each distinct set of traits of an account exists once.
// Access: schema
CREATE CONSTRAINT account_traits_key IF NOT EXISTS FOR (t:AccountTraits) REQUIRE t.key IS UNIQUE
