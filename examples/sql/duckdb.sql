-- DuckDB: loads an export into tables of the same names, or brings them up to date with one.
--
--   duckdb customers.duckdb -c "SET VARIABLE export = 'exports/today'" -f duckdb.sql
--
-- It takes complete exports and increments; loading the same one twice does no harm.

CREATE OR REPLACE TEMP VIEW manifest AS
SELECT complete, since, cursor
FROM read_json(
  getvariable('export') || '/manifest.json',
  columns = {complete: 'BOOLEAN', since: 'VARCHAR', cursor: 'VARCHAR'}
);
CREATE OR REPLACE TEMP VIEW new_events AS FROM read_parquet(getvariable('export') || '/events/*.parquet');
CREATE OR REPLACE TEMP VIEW new_identifiers AS FROM read_parquet(getvariable('export') || '/identifiers/*.parquet');
CREATE OR REPLACE TEMP VIEW new_links AS FROM read_parquet(getvariable('export') || '/links/*.parquet');
CREATE OR REPLACE TEMP VIEW new_changes AS FROM read_parquet(getvariable('export') || '/changes/*.parquet');
CREATE OR REPLACE TEMP VIEW new_customers AS FROM read_parquet(getvariable('export') || '/customers/*.parquet');
CREATE OR REPLACE TEMP VIEW new_retired_ids AS FROM read_parquet(getvariable('export') || '/retired_ids/*.parquet');

BEGIN TRANSACTION;

CREATE TABLE IF NOT EXISTS loaded (cursor VARCHAR);
CREATE TABLE IF NOT EXISTS events AS FROM new_events LIMIT 0;
CREATE TABLE IF NOT EXISTS identifiers AS FROM new_identifiers LIMIT 0;
CREATE TABLE IF NOT EXISTS links AS FROM new_links LIMIT 0;
CREATE TABLE IF NOT EXISTS changes AS FROM new_changes LIMIT 0;
CREATE TABLE IF NOT EXISTS customers AS FROM new_customers LIMIT 0;
CREATE TABLE IF NOT EXISTS retired_ids AS FROM new_retired_ids LIMIT 0;

-- An increment goes on from what is loaded, and from nothing else.
SELECT error('This export goes on from ' || since || ', which is not what was loaded last.')
FROM manifest
WHERE NOT complete
  AND NOT EXISTS (FROM loaded WHERE loaded.cursor IN (manifest.since, manifest.cursor));

-- A complete export replaces everything.
DELETE FROM events WHERE (SELECT complete FROM manifest);
DELETE FROM identifiers WHERE (SELECT complete FROM manifest);
DELETE FROM links WHERE (SELECT complete FROM manifest);
DELETE FROM changes WHERE (SELECT complete FROM manifest);
DELETE FROM customers WHERE (SELECT complete FROM manifest);
DELETE FROM retired_ids WHERE (SELECT complete FROM manifest);

-- Rows are known by their keys.
DELETE FROM events WHERE key IN (SELECT key FROM new_events);
DELETE FROM identifiers WHERE key IN (SELECT key FROM new_identifiers);
DELETE FROM links WHERE (a_key, b_key) IN (SELECT (a_key, b_key) FROM new_links);
DELETE FROM changes WHERE id IN (SELECT id FROM new_changes);
DELETE FROM customers WHERE id IN (SELECT id FROM new_customers);
DELETE FROM retired_ids WHERE id IN (SELECT id FROM new_retired_ids);

-- An id that was retired may live again, and the other way round.
DELETE FROM retired_ids WHERE id IN (SELECT id FROM new_customers);
DELETE FROM customers WHERE id IN (SELECT id FROM new_retired_ids);

INSERT INTO events FROM new_events;
INSERT INTO identifiers FROM new_identifiers;
INSERT INTO links FROM new_links;
INSERT INTO changes FROM new_changes;
INSERT INTO customers FROM new_customers WHERE id NOT IN (SELECT id FROM new_retired_ids);
INSERT INTO retired_ids FROM new_retired_ids;

-- Events stay with their identifier, whoever that belongs to now.
UPDATE events
SET customer_id = identifiers.customer_id
FROM identifiers
WHERE identifiers.key = events.identifier_key
  AND events.customer_id IS DISTINCT FROM identifiers.customer_id;

DELETE FROM loaded;
INSERT INTO loaded SELECT cursor FROM manifest;

COMMIT;
