-- DuckDB: which steps follow on which?
--
--   SET VARIABLE start_event = 'Home';         -- where a path begins; else at the first step
--   SET VARIABLE end_event = 'Order Completed';  -- where a path ends; customers without it do not count
--   SET VARIABLE depth = 8;                    -- the most transitions of a path; 5
--   SET VARIABLE names = 10;                   -- how many steps keep their name; 20

WITH numbered AS (
  SELECT customer, step, row_number() OVER (PARTITION BY customer ORDER BY moment, receipt) AS n
  FROM steps
),
started AS (
  SELECT customer, min(n) AS start
  FROM numbered
  WHERE step = coalesce(getvariable('start_event'), step)
  GROUP BY customer
),
ended AS (
  SELECT
    s.customer,
    s.start,
    CASE WHEN getvariable('end_event') IS NULL THEN max(n.n)
      -- A path that has a beginning ends after it.
      ELSE min(n.n) FILTER (
        n.step = getvariable('end_event') AND (getvariable('start_event') IS NULL OR n.n > s.start))
    END AS finish
  FROM started s
  JOIN numbered n USING (customer)
  GROUP BY ALL
),
cut AS (
  -- With an end alone a path is what led there.
  SELECT
    customer,
    getvariable('start_event') IS NULL AND getvariable('end_event') IS NOT NULL AS backwards,
    CASE WHEN backwards THEN greatest(start, finish - depth) ELSE start END AS start,
    CASE WHEN backwards THEN finish ELSE least(finish, start + depth) END AS finish,
    depth
  FROM ended, (SELECT coalesce(getvariable('depth'), 5) AS depth)
  WHERE finish IS NOT NULL
),
path AS (
  SELECT
    n.customer,
    n.step AS "from",
    lead(n.step) OVER (PARTITION BY n.customer ORDER BY n.n) AS "to",
    n.n - c.start + CASE WHEN c.backwards THEN c.depth - (c.finish - c.start) + 1 ELSE 1 END AS place
  FROM numbered n
  JOIN cut c ON c.customer = n.customer AND n.n BETWEEN c.start AND c.finish
),
named AS (
  SELECT "from" AS step
  FROM path
  GROUP BY step
  ORDER BY
    step IN (coalesce(getvariable('start_event'), ''), coalesce(getvariable('end_event'), '')) DESC,
    count(*) DESC,
    step
  LIMIT coalesce(getvariable('names'), 20)
)
SELECT
  place AS step,
  CASE WHEN "from" IN (FROM named) THEN "from" ELSE '(other)' END AS "from",
  CASE WHEN "to" IN (FROM named) THEN "to" ELSE '(other)' END AS "to",
  count(*) AS customers
FROM path
WHERE "to" IS NOT NULL
GROUP BY ALL
ORDER BY 1, 4 DESC, 2, 3;
