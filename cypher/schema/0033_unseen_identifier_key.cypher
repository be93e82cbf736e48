// Purpose: One unseen identifier for each key: what every event that carried it lost to a judgement.
// Access: schema
CREATE CONSTRAINT unseen_identifier_key IF NOT EXISTS FOR (i:UnseenIdentifier) REQUIRE i.key IS UNIQUE
