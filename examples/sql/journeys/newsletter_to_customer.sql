-- DuckDB: how many subscribers become customers, and how fast, by the channel of the subscription?
--
--   SET VARIABLE subscribed = 'Newsletter Subscribed';
--   SET VARIABLE goal = 'Order Completed';
--   SET VARIABLE within = INTERVAL 30 DAY;   -- from the subscription; 90 days

WITH began AS (
  SELECT
    customer,
    min((moment, receipt)) AS place,
    arg_min(coalesce(channel, '(direct)'), (moment, receipt)) AS channel
  FROM steps
  WHERE step = getvariable('subscribed')
  GROUP BY customer
),
converted AS (
  SELECT customer, date_diff('millisecond', any_value(b.place[1]), min(s.moment)) / 1000 AS took
  FROM began b
  JOIN steps s USING (customer)
  WHERE s.step = getvariable('goal')
    AND (s.moment, s.receipt) > b.place
    AND s.moment <= b.place[1] + coalesce(getvariable('within'), INTERVAL 90 DAY)
  GROUP BY customer
)
SELECT
  channel,
  count(*) AS subscribers,
  count(took) AS customers,
  count(took) / count(*) AS share,
  median(took) AS median_seconds
FROM began
LEFT JOIN converted USING (customer)
GROUP BY channel
ORDER BY customers DESC, subscribers DESC, channel;
