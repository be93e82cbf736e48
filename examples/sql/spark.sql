-- Spark with Delta Lake: loads an export, complete or incremental, into tables of the same names.
--
--   spark-sql --conf spark.sql.variable.substitute=true -d export=exports/today -f spark.sql
--
-- For a complete export (`complete` in manifest.json) drop the tables first. An increment is loaded
-- only after the export that its `since` names.

CREATE OR REPLACE TEMPORARY VIEW new_events AS SELECT * FROM parquet.`${export}/events`;
CREATE TABLE IF NOT EXISTS events USING DELTA AS SELECT * FROM new_events WHERE FALSE;
CREATE OR REPLACE TEMPORARY VIEW new_identifiers AS SELECT * FROM parquet.`${export}/identifiers`;
CREATE TABLE IF NOT EXISTS identifiers USING DELTA AS SELECT * FROM new_identifiers WHERE FALSE;
CREATE OR REPLACE TEMPORARY VIEW new_links AS SELECT * FROM parquet.`${export}/links`;
CREATE TABLE IF NOT EXISTS links USING DELTA AS SELECT * FROM new_links WHERE FALSE;
CREATE OR REPLACE TEMPORARY VIEW new_changes AS SELECT * FROM parquet.`${export}/changes`;
CREATE TABLE IF NOT EXISTS changes USING DELTA AS SELECT * FROM new_changes WHERE FALSE;
CREATE OR REPLACE TEMPORARY VIEW new_customers AS SELECT * FROM parquet.`${export}/customers`;
CREATE TABLE IF NOT EXISTS customers USING DELTA AS SELECT * FROM new_customers WHERE FALSE;
CREATE OR REPLACE TEMPORARY VIEW new_retired_ids AS SELECT * FROM parquet.`${export}/retired_ids`;
CREATE TABLE IF NOT EXISTS retired_ids USING DELTA AS SELECT * FROM new_retired_ids WHERE FALSE;

MERGE INTO events t USING new_events n ON t.key = n.key
WHEN MATCHED THEN UPDATE SET *
WHEN NOT MATCHED THEN INSERT *;

MERGE INTO identifiers t USING new_identifiers n ON t.key = n.key
WHEN MATCHED THEN UPDATE SET *
WHEN NOT MATCHED THEN INSERT *;

MERGE INTO links t USING new_links n ON t.a_key = n.a_key AND t.b_key = n.b_key
WHEN MATCHED THEN UPDATE SET *
WHEN NOT MATCHED THEN INSERT *;

MERGE INTO changes t USING new_changes n ON t.id = n.id
WHEN MATCHED THEN UPDATE SET *
WHEN NOT MATCHED THEN INSERT *;

MERGE INTO customers t USING new_customers n ON t.id = n.id
WHEN MATCHED THEN UPDATE SET *
WHEN NOT MATCHED THEN INSERT *;

MERGE INTO retired_ids t USING new_retired_ids n ON t.id = n.id
WHEN MATCHED THEN UPDATE SET *
WHEN NOT MATCHED THEN INSERT *;

-- An id that was retired may live again, and the other way round.
DELETE FROM retired_ids
WHERE id IN (SELECT id FROM new_customers) AND id NOT IN (SELECT id FROM new_retired_ids);
DELETE FROM customers WHERE id IN (SELECT id FROM new_retired_ids);

-- Events stay with their identifier, whoever that belongs to now.
MERGE INTO events e USING identifiers i ON e.identifier_key = i.key
WHEN MATCHED AND NOT e.customer_id <=> i.customer_id THEN UPDATE SET customer_id = i.customer_id;
