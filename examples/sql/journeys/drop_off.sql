-- DuckDB: what did customers do last who have been silent since?
--
--   SET VARIABLE silent_for = INTERVAL 14 DAY;   -- before `until`, at least; 30 days

WITH last AS (
  SELECT customer, max(moment) AS moment, arg_max(step, (moment, receipt)) AS step
  FROM steps
  GROUP BY customer
),
silent AS (
  FROM last
  WHERE moment <= end_of_range()
    - coalesce(getvariable('silent_for'), INTERVAL 30 DAY)
)
SELECT step AS event, count(*) AS customers, count(*) / sum(count(*)) OVER () AS share
FROM silent
GROUP BY step
ORDER BY customers DESC, event;
