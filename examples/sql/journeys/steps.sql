-- DuckDB: what the other questions are asked of. The view `counted` has every event in the range of
-- the customers that count, and `steps` those of them that are a step.
--
-- Each variable that is not set has no effect or the default of the journeys:
--   SET VARIABLE since = TIMESTAMP '2026-03-01';   -- the first moment that counts, in UTC
--   SET VARIABLE until = TIMESTAMP '2026-04-01';   -- the moment before which steps count; now
--   SET VARIABLE kinds = ['KNOWN'];                -- of customers; KNOWN and ANONYMOUS
--   SET VARIABLE session = INTERVAL 1 HOUR;        -- the longest pause inside one; 30 minutes

CREATE OR REPLACE MACRO end_of_range() AS
  coalesce(getvariable('until'), make_timestamp_ms(epoch_ms(now()) + 1));

CREATE OR REPLACE VIEW counted AS
SELECT
  e.customer_id AS customer,
  make_timestamp_ms(epoch_ms(e."at")) AS moment,
  (e.received_at, e.place, e.key) AS receipt,  -- the order of events of one moment
  e.type,
  e.step,
  e.channel,
  e.source
FROM events e
JOIN customers c ON c.id = e.customer_id
WHERE c.kind IN (FROM unnest(coalesce(getvariable('kinds'), ['KNOWN', 'ANONYMOUS'])))
  AND moment >= coalesce(getvariable('since'), TIMESTAMP '-infinity')
  AND moment < end_of_range();

CREATE OR REPLACE VIEW steps AS
WITH paused AS (
  SELECT *, moment - lag(moment) OVER in_order > coalesce(getvariable('session'), INTERVAL 30 MINUTE) AS anew
  FROM counted
  WHERE step IS NOT NULL
  WINDOW in_order AS (PARTITION BY customer ORDER BY moment, receipt)
)
SELECT
  customer, moment, receipt, type, step, channel, source,
  1 + count(*) FILTER (anew) OVER (PARTITION BY customer ORDER BY moment, receipt) AS session
FROM paused;
