-- BigQuery: loads an export, complete or incremental, into tables of the same names.
--
-- Put the files into a bucket first, and name it and the value of `complete` in manifest.json below.
-- An increment is loaded only after the export that its `since` names. Run it in a dataset `identity`.

DECLARE complete BOOL DEFAULT FALSE;

LOAD DATA OVERWRITE identity.new_events
FROM FILES (format = 'PARQUET', enable_list_inference = TRUE, uris = ['gs://exports/today/events/*.parquet']);
CREATE TABLE IF NOT EXISTS identity.events LIKE identity.new_events;
LOAD DATA OVERWRITE identity.new_identifiers
FROM FILES (format = 'PARQUET', enable_list_inference = TRUE, uris = ['gs://exports/today/identifiers/*.parquet']);
CREATE TABLE IF NOT EXISTS identity.identifiers LIKE identity.new_identifiers;
LOAD DATA OVERWRITE identity.new_links
FROM FILES (format = 'PARQUET', enable_list_inference = TRUE, uris = ['gs://exports/today/links/*.parquet']);
CREATE TABLE IF NOT EXISTS identity.links LIKE identity.new_links;
LOAD DATA OVERWRITE identity.new_changes
FROM FILES (format = 'PARQUET', enable_list_inference = TRUE, uris = ['gs://exports/today/changes/*.parquet']);
CREATE TABLE IF NOT EXISTS identity.changes LIKE identity.new_changes;
LOAD DATA OVERWRITE identity.new_customers
FROM FILES (format = 'PARQUET', enable_list_inference = TRUE, uris = ['gs://exports/today/customers/*.parquet']);
CREATE TABLE IF NOT EXISTS identity.customers LIKE identity.new_customers;
LOAD DATA OVERWRITE identity.new_retired_ids
FROM FILES (format = 'PARQUET', enable_list_inference = TRUE, uris = ['gs://exports/today/retired_ids/*.parquet']);
CREATE TABLE IF NOT EXISTS identity.retired_ids LIKE identity.new_retired_ids;

BEGIN TRANSACTION;

-- A complete export replaces everything.
DELETE FROM identity.events WHERE complete;
DELETE FROM identity.identifiers WHERE complete;
DELETE FROM identity.links WHERE complete;
DELETE FROM identity.changes WHERE complete;
DELETE FROM identity.customers WHERE complete;
DELETE FROM identity.retired_ids WHERE complete;

MERGE INTO identity.events t USING identity.new_events n ON t.key = n.key
WHEN MATCHED THEN UPDATE SET message_id = n.message_id, type = n.type, name = n.name, step = n.step,
    channel = n.channel, `at` = n.`at`, received_at = n.received_at, place = n.place, source = n.source,
    identifier_key = n.identifier_key, customer_id = n.customer_id, properties = n.properties, p = n.p, context = n.context, traits = n.traits,
    context_traits = n.context_traits, identifier_keys = n.identifier_keys
WHEN NOT MATCHED THEN INSERT (key, message_id, type, name, step, channel, `at`, received_at, place, source,
    identifier_key, customer_id, properties, p, context, traits, context_traits, identifier_keys)
  VALUES (n.key, n.message_id, n.type, n.name, n.step, n.channel, n.`at`, n.received_at, n.place, n.source,
    n.identifier_key, n.customer_id, n.properties, n.p, n.context, n.traits, n.context_traits, n.identifier_keys);

MERGE INTO identity.identifiers t USING identity.new_identifiers n ON t.key = n.key
WHEN MATCHED THEN UPDATE SET type = n.type, value = n.value, first_seen = n.first_seen, last_seen =
    n.last_seen, contested = n.contested, super_connector = n.super_connector, blocked = n.blocked,
    customer_id = n.customer_id
WHEN NOT MATCHED THEN INSERT (key, type, value, first_seen, last_seen, contested, super_connector,
    blocked, customer_id)
  VALUES (n.key, n.type, n.value, n.first_seen, n.last_seen, n.contested, n.super_connector,
    n.blocked, n.customer_id);

MERGE INTO identity.links t USING identity.new_links n ON t.a_key = n.a_key AND t.b_key = n.b_key
WHEN MATCHED THEN UPDATE SET first_seen = n.first_seen, last_seen = n.last_seen, times_seen =
    n.times_seen, sources = n.sources, proven = n.proven
WHEN NOT MATCHED THEN INSERT (a_key, b_key, first_seen, last_seen, times_seen, sources, proven)
  VALUES (n.a_key, n.b_key, n.first_seen, n.last_seen, n.times_seen, n.sources, n.proven);

MERGE INTO identity.changes t USING identity.new_changes n ON t.id = n.id
WHEN MATCHED THEN UPDATE SET kind = n.kind, `at` = n.`at`, customer_id = n.customer_id,
    other_customer_id = n.other_customer_id, identifier_keys = n.identifier_keys, cause = n.cause,
    policy_version = n.policy_version, position = n.position
WHEN NOT MATCHED THEN INSERT (id, kind, `at`, customer_id, other_customer_id, identifier_keys,
    cause, policy_version, position)
  VALUES (n.id, n.kind, n.`at`, n.customer_id, n.other_customer_id, n.identifier_keys, n.cause,
    n.policy_version, n.position);

MERGE INTO identity.customers t USING identity.new_customers n ON t.id = n.id
WHEN MATCHED THEN UPDATE SET kind = n.kind, created_at = n.created_at, policy_version =
    n.policy_version, identifier_count = n.identifier_count, event_count = n.event_count, first_seen
    = n.first_seen, last_seen = n.last_seen
WHEN NOT MATCHED THEN INSERT (id, kind, created_at, policy_version, identifier_count, event_count,
    first_seen, last_seen)
  VALUES (n.id, n.kind, n.created_at, n.policy_version, n.identifier_count, n.event_count,
    n.first_seen, n.last_seen);

MERGE INTO identity.retired_ids t USING identity.new_retired_ids n ON t.id = n.id
WHEN MATCHED THEN UPDATE SET current_id = n.current_id, created_at = n.created_at
WHEN NOT MATCHED THEN INSERT (id, current_id, created_at)
  VALUES (n.id, n.current_id, n.created_at);

-- An id that was retired may live again, and the other way round.
DELETE FROM identity.retired_ids
WHERE id IN (SELECT id FROM identity.new_customers) AND id NOT IN (SELECT id FROM identity.new_retired_ids);
DELETE FROM identity.customers WHERE id IN (SELECT id FROM identity.new_retired_ids);

-- Events stay with their identifier, whoever that belongs to now.
UPDATE identity.events AS e
SET customer_id = i.customer_id
FROM identity.identifiers AS i
WHERE i.key = e.identifier_key AND e.customer_id IS DISTINCT FROM i.customer_id;

COMMIT TRANSACTION;
