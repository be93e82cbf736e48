-- DuckDB: which steps go together with a goal?
--
--   SET VARIABLE goal = 'Order Completed';

WITH everybody AS (SELECT DISTINCT customer FROM counted),
did AS (SELECT DISTINCT customer, step FROM steps),
reached AS (SELECT customer FROM did WHERE step = getvariable('goal')),
counted AS (
  SELECT
    step AS event,
    count(r.customer) AS "both",
    count(*) - count(r.customer) AS event_only,
    (SELECT count(*) FROM reached) - count(r.customer) AS goal_only,
    (SELECT count(*) FROM everybody) - (SELECT count(*) FROM reached) - event_only AS neither
  FROM did
  LEFT JOIN reached r USING (customer)
  WHERE step <> getvariable('goal')
  GROUP BY step
)
SELECT
  event,
  coalesce(
    ("both"::DOUBLE * neither - event_only::DOUBLE * goal_only) / nullif(sqrt(
      ("both" + event_only)::DOUBLE * (goal_only + neither) * ("both" + goal_only) * (event_only + neither)
    ), 0),
    0
  ) AS phi,
  "both",
  event_only,
  goal_only,
  neither
FROM counted
ORDER BY phi DESC, event;
