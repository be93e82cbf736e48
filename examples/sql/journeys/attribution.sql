-- DuckDB: what did each channel have to do with conversions?
--
--   SET VARIABLE goal = 'Order Completed';
--   SET VARIABLE within = INTERVAL 7 DAY;      -- before the conversion; 30 days
--   SET VARIABLE half_life = INTERVAL 1 DAY;   -- how soon a touch weighs half; 7 days

WITH goal AS (
  SELECT customer, min((moment, receipt)) AS place
  FROM steps
  WHERE step = getvariable('goal')
  GROUP BY customer
),
-- Touches may lie before the range, so they are not sought in the view.
seen AS (
  SELECT
    g.customer,
    g.place,
    e.channel,
    make_timestamp_ms(epoch_ms(e."at")) AS moment,
    (e.received_at, e.place, e.key) AS receipt,
    lag(e.channel) OVER in_order AS channel_before,
    lag(moment) OVER in_order AS moment_before
  FROM goal g
  JOIN events e ON e.customer_id = g.customer
  WHERE e.channel IS NOT NULL
    AND moment >= g.place[1] - coalesce(getvariable('within'), INTERVAL 30 DAY)
    AND (moment, receipt) <= g.place
  WINDOW in_order AS (PARTITION BY g.customer ORDER BY e."at", e.received_at, e.place, e.key)
),
touches AS (
  SELECT customer, place, channel, moment, receipt
  FROM seen
  WHERE channel_before IS NULL
    OR channel_before <> channel
    OR moment - moment_before > coalesce(getvariable('session'), INTERVAL 30 MINUTE)
  UNION ALL
  SELECT customer, place, '(direct)', place[1], place[2]
  FROM goal
  WHERE customer NOT IN (SELECT customer FROM seen)
),
weighed AS (
  SELECT
    customer,
    channel,
    row_number() OVER (PARTITION BY customer ORDER BY moment, receipt) AS n,
    count(*) OVER (PARTITION BY customer) AS touches,
    pow(0.5, date_diff('millisecond', moment, place[1])
      / epoch_ms(coalesce(getvariable('half_life'), INTERVAL 7 DAY))) AS weight,
    sum(weight) OVER (PARTITION BY customer) AS weights
  FROM touches
)
SELECT
  channel,
  count(DISTINCT customer) AS customers,
  count(*) FILTER (n = 1)::DOUBLE AS first_touch,
  count(*) FILTER (n = touches)::DOUBLE AS last_touch,
  sum(1 / touches) AS linear,
  sum(CASE weights WHEN 0 THEN 1 / touches ELSE weight / weights END) AS time_decay
FROM weighed
GROUP BY channel
ORDER BY linear DESC, channel;
