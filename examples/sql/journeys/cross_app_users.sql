-- DuckDB: how many customers use two apps?

WITH used AS (SELECT DISTINCT customer, source FROM steps),
alone AS (SELECT source, count(*) AS customers FROM used GROUP BY source),
pairs AS (
  SELECT a.source, b.source AS other_source, count(*) AS customers
  FROM used a
  JOIN used b ON a.customer = b.customer AND a.source < b.source
  GROUP BY ALL
)
SELECT
  p.source,
  p.other_source,
  p.customers,
  p.customers / (a.customers + b.customers - p.customers) AS share
FROM pairs p
JOIN alone a ON a.source = p.source
JOIN alone b ON b.source = p.other_source
ORDER BY p.customers DESC, p.source, p.other_source;
