-- DuckDB: which page did customers see last before they first did a step?
--
--   SET VARIABLE event = 'Signed Up';   -- the step

WITH first AS (
  SELECT customer, min((moment, receipt)) AS place
  FROM steps
  WHERE step = getvariable('event')
  GROUP BY customer
),
seen AS (
  SELECT arg_max(s.step, (s.moment, s.receipt)) AS page
  FROM first f
  JOIN steps s ON s.customer = f.customer
    AND s.type IN ('page', 'screen')
    AND (s.moment, s.receipt) < f.place
  GROUP BY f.customer
)
SELECT page, count(*) AS customers, count(*) / (SELECT count(*) FROM first) AS share
FROM seen
GROUP BY page
ORDER BY customers DESC, page;
