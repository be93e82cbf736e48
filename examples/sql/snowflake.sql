-- Snowflake: loads an export, complete or incremental, into tables of the same names.
--
-- Put the files onto a stage first, and name it and the value of `complete` in manifest.json:
--   PUT file://exports/today/events/* @exports/today/events/ AUTO_COMPRESS = FALSE;  (and so on)
-- An increment is loaded only after the export that its `since` names.

SET complete = FALSE;

CREATE FILE FORMAT IF NOT EXISTS identity_parquet TYPE = PARQUET USE_LOGICAL_TYPE = TRUE;

CREATE TABLE IF NOT EXISTS events (key VARCHAR, message_id VARCHAR, type VARCHAR, name VARCHAR, step
    VARCHAR, channel VARCHAR, at TIMESTAMP_TZ(3), received_at TIMESTAMP_TZ(3), place NUMBER,
    source VARCHAR, identifier_key VARCHAR, customer_id VARCHAR, properties VARCHAR, p VARIANT, context VARCHAR, traits VARCHAR,
    context_traits VARCHAR, identifier_keys VARIANT);
CREATE TABLE IF NOT EXISTS identifiers (key VARCHAR, type VARCHAR, value VARCHAR, first_seen
    TIMESTAMP_TZ(3), last_seen TIMESTAMP_TZ(3), contested BOOLEAN, super_connector BOOLEAN, blocked
    BOOLEAN, customer_id VARCHAR);
CREATE TABLE IF NOT EXISTS customers (id VARCHAR, kind VARCHAR, created_at TIMESTAMP_TZ(3),
    policy_version NUMBER, identifier_count NUMBER, event_count NUMBER, first_seen TIMESTAMP_TZ(3),
    last_seen TIMESTAMP_TZ(3));
CREATE TABLE IF NOT EXISTS retired_ids (id VARCHAR, current_id VARCHAR, created_at TIMESTAMP_TZ(3));
CREATE TABLE IF NOT EXISTS links (a_key VARCHAR, b_key VARCHAR, first_seen TIMESTAMP_TZ(3),
    last_seen TIMESTAMP_TZ(3), times_seen NUMBER, sources VARIANT, proven BOOLEAN);
CREATE TABLE IF NOT EXISTS changes (id VARCHAR, kind VARCHAR, at TIMESTAMP_TZ(3), customer_id
    VARCHAR, other_customer_id VARCHAR, identifier_keys VARIANT, cause VARCHAR, policy_version
    NUMBER, position NUMBER);
CREATE OR REPLACE TEMPORARY TABLE new_events LIKE events;
COPY INTO new_events FROM @exports/today/events/
  FILE_FORMAT = (FORMAT_NAME = identity_parquet) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE;
CREATE OR REPLACE TEMPORARY TABLE new_identifiers LIKE identifiers;
COPY INTO new_identifiers FROM @exports/today/identifiers/
  FILE_FORMAT = (FORMAT_NAME = identity_parquet) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE;
CREATE OR REPLACE TEMPORARY TABLE new_links LIKE links;
COPY INTO new_links FROM @exports/today/links/
  FILE_FORMAT = (FORMAT_NAME = identity_parquet) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE;
CREATE OR REPLACE TEMPORARY TABLE new_changes LIKE changes;
COPY INTO new_changes FROM @exports/today/changes/
  FILE_FORMAT = (FORMAT_NAME = identity_parquet) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE;
CREATE OR REPLACE TEMPORARY TABLE new_customers LIKE customers;
COPY INTO new_customers FROM @exports/today/customers/
  FILE_FORMAT = (FORMAT_NAME = identity_parquet) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE;
CREATE OR REPLACE TEMPORARY TABLE new_retired_ids LIKE retired_ids;
COPY INTO new_retired_ids FROM @exports/today/retired_ids/
  FILE_FORMAT = (FORMAT_NAME = identity_parquet) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE;

BEGIN;

-- A complete export replaces everything.
DELETE FROM events WHERE $complete;
DELETE FROM identifiers WHERE $complete;
DELETE FROM links WHERE $complete;
DELETE FROM changes WHERE $complete;
DELETE FROM customers WHERE $complete;
DELETE FROM retired_ids WHERE $complete;

MERGE INTO events t USING new_events n ON t.key = n.key
WHEN MATCHED THEN UPDATE SET message_id = n.message_id, type = n.type, name = n.name, step = n.step,
    channel = n.channel, at = n.at, received_at = n.received_at, place = n.place, source = n.source,
    identifier_key = n.identifier_key, customer_id = n.customer_id, properties = n.properties, p = n.p, context = n.context, traits = n.traits,
    context_traits = n.context_traits, identifier_keys = n.identifier_keys
WHEN NOT MATCHED THEN INSERT (key, message_id, type, name, step, channel, at, received_at, place, source,
    identifier_key, customer_id, properties, p, context, traits, context_traits, identifier_keys)
  VALUES (n.key, n.message_id, n.type, n.name, n.step, n.channel, n.at, n.received_at, n.place, n.source,
    n.identifier_key, n.customer_id, n.properties, n.p, n.context, n.traits, n.context_traits, n.identifier_keys);

MERGE INTO identifiers t USING new_identifiers n ON t.key = n.key
WHEN MATCHED THEN UPDATE SET type = n.type, value = n.value, first_seen = n.first_seen, last_seen =
    n.last_seen, contested = n.contested, super_connector = n.super_connector, blocked = n.blocked,
    customer_id = n.customer_id
WHEN NOT MATCHED THEN INSERT (key, type, value, first_seen, last_seen, contested, super_connector,
    blocked, customer_id)
  VALUES (n.key, n.type, n.value, n.first_seen, n.last_seen, n.contested, n.super_connector,
    n.blocked, n.customer_id);

MERGE INTO links t USING new_links n ON t.a_key = n.a_key AND t.b_key = n.b_key
WHEN MATCHED THEN UPDATE SET first_seen = n.first_seen, last_seen = n.last_seen, times_seen =
    n.times_seen, sources = n.sources, proven = n.proven
WHEN NOT MATCHED THEN INSERT (a_key, b_key, first_seen, last_seen, times_seen, sources, proven)
  VALUES (n.a_key, n.b_key, n.first_seen, n.last_seen, n.times_seen, n.sources, n.proven);

MERGE INTO changes t USING new_changes n ON t.id = n.id
WHEN MATCHED THEN UPDATE SET kind = n.kind, at = n.at, customer_id = n.customer_id,
    other_customer_id = n.other_customer_id, identifier_keys = n.identifier_keys, cause = n.cause,
    policy_version = n.policy_version, position = n.position
WHEN NOT MATCHED THEN INSERT (id, kind, at, customer_id, other_customer_id, identifier_keys, cause,
    policy_version, position)
  VALUES (n.id, n.kind, n.at, n.customer_id, n.other_customer_id, n.identifier_keys, n.cause,
    n.policy_version, n.position);

MERGE INTO customers t USING new_customers n ON t.id = n.id
WHEN MATCHED THEN UPDATE SET kind = n.kind, created_at = n.created_at, policy_version =
    n.policy_version, identifier_count = n.identifier_count, event_count = n.event_count, first_seen
    = n.first_seen, last_seen = n.last_seen
WHEN NOT MATCHED THEN INSERT (id, kind, created_at, policy_version, identifier_count, event_count,
    first_seen, last_seen)
  VALUES (n.id, n.kind, n.created_at, n.policy_version, n.identifier_count, n.event_count,
    n.first_seen, n.last_seen);

MERGE INTO retired_ids t USING new_retired_ids n ON t.id = n.id
WHEN MATCHED THEN UPDATE SET current_id = n.current_id, created_at = n.created_at
WHEN NOT MATCHED THEN INSERT (id, current_id, created_at)
  VALUES (n.id, n.current_id, n.created_at);

-- An id that was retired may live again, and the other way round.
DELETE FROM retired_ids
WHERE id IN (SELECT id FROM new_customers) AND id NOT IN (SELECT id FROM new_retired_ids);
DELETE FROM customers WHERE id IN (SELECT id FROM new_retired_ids);

-- Events stay with their identifier, whoever that belongs to now.
UPDATE events
SET customer_id = identifiers.customer_id
FROM identifiers
WHERE identifiers.key = events.identifier_key
  AND events.customer_id IS DISTINCT FROM identifiers.customer_id;

COMMIT;
