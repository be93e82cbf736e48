-- DuckDB: how long do customers take from a step to a goal?
--
--   SET VARIABLE start_event = 'Product Viewed';
--   SET VARIABLE goal = 'Order Completed';
--   SET VARIABLE within = INTERVAL 7 DAY;   -- from the start; 90 days

WITH began AS (
  SELECT customer, min((moment, receipt)) AS place
  FROM steps
  WHERE step = getvariable('start_event')
  GROUP BY customer
),
converted AS (
  SELECT date_diff('millisecond', any_value(b.place[1]), min(s.moment)) / 1000 AS took
  FROM began b
  JOIN steps s USING (customer)
  WHERE s.step = getvariable('goal')
    AND (s.moment, s.receipt) > b.place
    AND s.moment <= b.place[1] + coalesce(getvariable('within'), INTERVAL 90 DAY)
  GROUP BY customer
),
-- 1 and 10 minutes; 1 and 6 hours; 1, 3, 7, 14, 30 and 90 days.
edges AS (
  SELECT edge AS from_seconds, lead(edge) OVER (ORDER BY edge) AS to_seconds
  FROM unnest([0, 60, 600, 3600, 21600, 86400, 259200, 604800, 1209600, 2592000, 7776000]) AS e(edge)
)
SELECT
  from_seconds,
  to_seconds,
  count(took) AS customers,
  coalesce(count(took) / nullif((SELECT count(*) FROM began), 0), 0) AS share
FROM edges
LEFT JOIN converted ON took >= from_seconds AND (to_seconds IS NULL OR took < to_seconds)
GROUP BY from_seconds, to_seconds
ORDER BY from_seconds;
