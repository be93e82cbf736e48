// Purpose: A version of the profiles text of a space is written once.
// Access: schema
CREATE CONSTRAINT profiles_text_key IF NOT EXISTS FOR (t:ProfilesText) REQUIRE t.key IS UNIQUE
