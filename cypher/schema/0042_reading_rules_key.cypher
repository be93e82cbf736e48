// Purpose: A version of the reading rules of a source is written once.
// Access: schema
CREATE CONSTRAINT reading_rules_key IF NOT EXISTS FOR (r:ReadingRules) REQUIRE r.key IS UNIQUE
