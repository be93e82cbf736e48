-- DuckDB: how many customers come back, by the week in which they came first?
--
--   SET VARIABLE start_event = 'Signed Up';         -- what makes a customer begin; any step
--   SET VARIABLE return_event = 'Order Completed';  -- what counts as coming back; any step
--   SET VARIABLE weeks = 8;                         -- how long to follow a cohort; 12

WITH weekly AS (
  SELECT
    customer,
    date_trunc('week', moment)::DATE AS week,
    bool_or(step = coalesce(getvariable('start_event'), step)) AS begins,
    bool_or(step = coalesce(getvariable('return_event'), step)) AS returns
  FROM steps
  GROUP BY ALL
),
begun AS (
  SELECT customer, min(week) AS cohort FROM weekly WHERE begins GROUP BY customer
),
cohorts AS (
  SELECT cohort, count(*) AS size FROM begun GROUP BY cohort
),
-- A week that has not begun by `until` is left out.
grid AS (
  SELECT
    cohort,
    size,
    unnest(range(1 + least(
      coalesce(getvariable('weeks'), 12),
      date_diff('day', cohort, end_of_range() - INTERVAL 1 MILLISECOND) // 7
    ))) AS week
  FROM cohorts
),
returned AS (
  SELECT cohort, date_diff('day', cohort, week) // 7 AS week, count(*) AS customers
  FROM begun JOIN weekly USING (customer)
  WHERE returns AND week > cohort
  GROUP BY ALL
)
SELECT
  cohort,
  week,
  CASE week WHEN 0 THEN size ELSE coalesce(customers, 0) END AS customers,
  CASE week WHEN 0 THEN 1 ELSE coalesce(customers, 0) / size END AS share
FROM grid
LEFT JOIN returned USING (cohort, week)
ORDER BY cohort, week;
