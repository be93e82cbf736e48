// Purpose: One node for each record that a destination holds, or is to hold.
// Access: schema
CREATE CONSTRAINT outgoing_record_key IF NOT EXISTS FOR (r:OutgoingRecord) REQUIRE r.key IS UNIQUE
