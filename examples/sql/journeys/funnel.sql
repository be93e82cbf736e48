-- DuckDB: how many customers did these steps in this order?
--
--   SET VARIABLE steps = ['Product Viewed', 'Order Completed'];
--   SET VARIABLE within = INTERVAL 7 DAY;   -- from the first step; 30 days

WITH RECURSIVE
asked AS (
  SELECT unnest(getvariable('steps')) AS step, generate_subscripts(getvariable('steps'), 1) AS n
),
-- The moment and the receipt of an event are its place in the order of events.
reached AS (
  SELECT customer, 1 AS n, min((moment, receipt)) AS place, min(moment) AS began, NULL::DOUBLE AS took
  FROM steps JOIN asked USING (step)
  WHERE n = 1
  GROUP BY customer
  UNION ALL
  SELECT
    customer,
    r.n + 1,
    min((s.moment, s.receipt)),
    any_value(r.began),
    date_diff('millisecond', any_value(r.place[1]), min(s.moment)) / 1000
  FROM reached r
  JOIN asked a ON a.n = r.n + 1
  JOIN steps s USING (customer)
  WHERE s.step = a.step
    AND (s.moment, s.receipt) > r.place
    AND s.moment <= r.began + coalesce(getvariable('within'), INTERVAL 30 DAY)
  GROUP BY customer, r.n
)
SELECT
  a.step AS event,
  count(r.customer) AS customers,
  coalesce(count(r.customer) / nullif((SELECT count(*) FROM reached WHERE n = 1), 0), 0) AS share,
  median(r.took) AS median_seconds
FROM asked a
LEFT JOIN reached r USING (n)
GROUP BY n, a.step
ORDER BY n;
