"""The same questions as the journeys, in SQL for DuckDB over exported Parquet.

Like anyone who keeps events in a warehouse, the peer has events with their identifier and a table
that says whose identifier that is; it joins them at every question, because the table changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final, LiteralString

import duckdb

from benchmarks.journey_world import SPACE, START, World, event_rows

DONE: Final[LiteralString] = """
WITH done AS (
  SELECT i.customer, e.ts, e.message_id, e.type, e.step, e.channel, e.source
  FROM events e JOIN identifiers i ON e.identifier = i.identifier
  WHERE i.kind IN ('KNOWN', 'ANONYMOUS') AND e.ts >= $since AND e.ts < $until)
"""
"""What every question starts from."""

SECOND: Final[LiteralString] = """
, first AS (SELECT customer, min((ts, message_id)) AS a FROM done WHERE step = $one GROUP BY 1),
second AS (
  SELECT f.customer, any_value(f.a) AS a, min((d.ts, d.message_id))
    FILTER (d.ts IS NOT NULL) AS b
  FROM first f LEFT JOIN done d ON d.customer = f.customer AND d.step = $two
    AND (d.ts, d.message_id) > f.a AND d.ts - f.a[1] <= $within GROUP BY 1)
"""
"""Who did a first step, and when a second one after it."""

FUNNEL: Final[LiteralString] = """
, third AS (
  SELECT s.customer, any_value(s.a) AS a, any_value(s.b) AS b, min((d.ts, d.message_id))
    FILTER (d.ts IS NOT NULL) AS c
  FROM second s LEFT JOIN done d ON d.customer = s.customer AND d.step = $three
    AND (d.ts, d.message_id) > s.b AND d.ts - s.a[1] <= $within GROUP BY 1)
"""

QUESTIONS: Final[Mapping[str, LiteralString]] = {
    "last_page_before": """
, first AS (SELECT customer, min((ts, message_id)) AS a FROM done WHERE step = $event GROUP BY 1),
seen AS (
  SELECT f.customer, arg_max(d.step, (d.ts, d.message_id)) AS page
  FROM first f LEFT JOIN done d ON d.customer = f.customer AND d.type IN ('page', 'screen')
    AND (d.ts, d.message_id) < f.a GROUP BY 1)
SELECT page, count(*), count(*) / (SELECT count(*) FROM first)
FROM seen WHERE page IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20
""",
    "flows": """
, walk AS (
  SELECT customer, step, row_number() OVER (PARTITION BY customer ORDER BY ts, message_id) AS n
  FROM done WHERE step IS NOT NULL QUALIFY n <= 6),
named AS (SELECT step FROM walk GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 20),
folded AS (
  SELECT customer, n, CASE WHEN step IN (FROM named) THEN step ELSE '(other)' END AS step
  FROM walk),
counted AS (
  SELECT a.n AS place, a.step AS "from", b.step AS "to", count(*) AS customers
  FROM folded a JOIN folded b ON a.customer = b.customer AND b.n = a.n + 1 GROUP BY ALL
  ORDER BY customers DESC, place, "from", "to" LIMIT 200)
SELECT * FROM counted ORDER BY place, customers DESC, "from", "to"
""",
    "funnel": """
SELECT $one, count(*), 1.0, NULL FROM third
UNION ALL SELECT $two, count(b), count(b) / count(*), median((b[1] - a[1]) / 1000) FROM third
UNION ALL SELECT $three, count(c), count(c) / count(*), median((c[1] - b[1]) / 1000) FROM third
""",
    "funnel_by": """
, valued AS (
  SELECT t.*, coalesce(d.channel, '(none)') AS value
  FROM third t JOIN done d ON d.customer = t.customer AND d.message_id = t.a[2]),
ranked AS (SELECT value FROM valued GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 10),
split AS (
  SELECT CASE WHEN value IN (FROM ranked) THEN value ELSE '(other)' END AS value, a, b, c
  FROM valued),
rows AS (
  SELECT value, 0 AS n, $one AS step, count(*) AS customers, 1.0 AS share, NULL AS took,
    count(*) AS size FROM split GROUP BY 1
  UNION ALL SELECT value, 1, $two, count(b), count(b) / count(*), median((b[1] - a[1]) / 1000),
    count(*) FROM split GROUP BY 1
  UNION ALL SELECT value, 2, $three, count(c), count(c) / count(*), median((c[1] - b[1]) / 1000),
    count(*) FROM split GROUP BY 1)
SELECT value, step, customers, share, took FROM rows ORDER BY size DESC, value, n
""",
    "correlation": """
, did AS (SELECT DISTINCT customer, step FROM done WHERE step IS NOT NULL),
goal AS (SELECT customer FROM did WHERE step = $goal),
total AS (
  SELECT (SELECT count(DISTINCT customer) FROM done) AS everybody,
    (SELECT count(*) FROM goal) AS goals),
counted AS (
  SELECT d.step, count(*) AS did, count(g.customer) AS together
  FROM did d LEFT JOIN goal g ON g.customer = d.customer WHERE d.step <> $goal GROUP BY 1),
four AS (
  SELECT step, together, did - together AS event_only, goals - together AS goal_only,
    everybody - goals - did + together AS neither FROM counted, total)
SELECT step, (together::DOUBLE * neither - event_only::DOUBLE * goal_only) / sqrt(
    (together + event_only)::DOUBLE * (goal_only + neither) * (together + goal_only)
    * (event_only + neither)) AS phi, together, event_only, goal_only, neither
FROM four ORDER BY phi DESC, step LIMIT 20
""",
    "drop_off": """
, last AS (
  SELECT customer, arg_max(step, (ts, message_id)) AS step, max(ts) AS ts
  FROM done WHERE step IS NOT NULL GROUP BY 1),
silent AS (SELECT step FROM last WHERE ts <= $until - $silent_for)
SELECT step, count(*), count(*) / (SELECT count(*) FROM silent)
FROM silent GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20
""",
    "retention": """
, weeks AS (
  SELECT DISTINCT customer, (ts - 345600000) // 604800000 AS week FROM done
  WHERE step IS NOT NULL),
cohorts AS (SELECT customer, min(week) AS cohort FROM weeks GROUP BY 1),
sizes AS (SELECT cohort, count(*) AS size FROM cohorts GROUP BY 1),
back AS (
  SELECT c.cohort, w.week - c.cohort AS week, count(*) AS customers
  FROM cohorts c JOIN weeks w ON w.customer = c.customer GROUP BY ALL),
grid AS (
  SELECT cohort, size, unnest(range(0,
    least(12, ($until - 1 - 345600000) // 604800000 - cohort) + 1)) AS week FROM sizes)
SELECT strftime(make_timestamp((g.cohort * 604800000 + 345600000) * 1000), '%Y-%m-%d'),
  g.week, coalesce(b.customers, 0), coalesce(b.customers, 0) / g.size
FROM grid g LEFT JOIN back b ON b.cohort = g.cohort AND b.week = g.week
ORDER BY g.cohort, g.week LIMIT 1000
""",
    "time_to_convert": """
, took AS (SELECT (b[1] - a[1]) / 1000 AS t FROM second),
edges AS (
  SELECT edge, lead(edge) OVER (ORDER BY edge) AS below FROM (SELECT unnest(
    [0, 60, 600, 3600, 21600, 86400, 259200, 604800, 1209600, 2592000, 7776000]) AS edge))
SELECT edge, below, count(t), count(t) / (SELECT count(*) FROM second)
FROM edges LEFT JOIN took ON t >= edge AND (below IS NULL OR t < below)
GROUP BY ALL ORDER BY edge
""",
    "attribution": """
, goal AS (
  SELECT customer, min((ts, message_id)) AS g FROM done WHERE step = $goal GROUP BY 1),
near AS (
  SELECT g.customer, g.g, i.identifier
  FROM goal g JOIN identifiers i ON i.customer = g.customer),
seen AS (
  SELECT n.customer, n.g[1] AS converted, e.channel, e.ts, e.message_id,
    lag(e.channel) OVER w AS channel_before, lag(e.ts) OVER w AS at_before
  FROM near n JOIN events e ON e.identifier = n.identifier AND e.channel IS NOT NULL
    AND e.ts >= n.g[1] - $within AND (e.ts, e.message_id) <= n.g
  WINDOW w AS (PARTITION BY n.customer ORDER BY e.ts, e.message_id)),
touches AS (
  SELECT customer, converted, channel, ts, message_id FROM seen
  WHERE channel_before IS NULL OR channel_before <> channel OR ts - at_before > $session
  UNION ALL
  SELECT customer, g[1], '(direct)', g[1], g[2] FROM goal
  WHERE customer NOT IN (SELECT customer FROM seen)),
weighed AS (
  SELECT customer, channel, row_number() OVER w AS n,
    count(*) OVER (PARTITION BY customer) AS touches,
    pow(0.5, (converted - ts) / $half_life) AS weight,
    sum(pow(0.5, (converted - ts) / $half_life)) OVER (PARTITION BY customer) AS weights
  FROM touches WINDOW w AS (PARTITION BY customer ORDER BY ts, message_id))
SELECT channel, count(DISTINCT customer), sum(CASE n WHEN 1 THEN 1.0 ELSE 0 END),
  sum(CASE n WHEN touches THEN 1.0 ELSE 0 END), sum(1 / touches) AS linear, sum(weight / weights)
FROM weighed GROUP BY 1 ORDER BY linear DESC, 1 LIMIT 50
""",
    "customer_path": """
, path AS (
  SELECT d.ts, d.message_id, d.step, e.source, e.observed
  FROM done d JOIN events e ON e.message_id = d.message_id
  WHERE d.step IS NOT NULL
    AND d.customer = (SELECT customer FROM identifiers WHERE identifier = $identifier)
  ORDER BY 1 DESC, 2 DESC LIMIT 200),
paused AS (
  SELECT *, coalesce(ts - lag(ts) OVER (ORDER BY ts, message_id) > $session, false) AS pause
  FROM path)
SELECT 1 + sum(pause::INT) OVER (ORDER BY ts, message_id),
  regexp_replace(strftime(make_timestamp(ts * 1000), '%Y-%m-%dT%H:%M:%S.%g'),
    '(\\.000|0+)$', '') || 'Z', step, source, observed
FROM paused ORDER BY ts, message_id
""",
    "hidden_by_quarantine": """
, counted AS (
  SELECT e.identifier, e.step, count(*) AS events
  FROM events e JOIN identifiers i ON e.identifier = i.identifier
  WHERE i.kind = 'QUARANTINED' AND e.ts >= $since AND e.ts < $until AND e.step IS NOT NULL
  GROUP BY ALL),
everywhere AS (
  SELECT step, count(*) AS events FROM events WHERE ts >= $since AND ts < $until GROUP BY 1)
SELECT split_part(c.identifier, '/', 2) AS identifier, c.step, c.events, c.events / e.events
FROM counted c JOIN everywhere e ON e.step = c.step ORDER BY 3 DESC, 1, 2 LIMIT 50
""",
    "cross_app_users": """
, used AS (SELECT DISTINCT customer, source FROM done WHERE step IS NOT NULL),
alone AS (SELECT source, count(*) AS customers FROM used GROUP BY 1)
SELECT a.source, b.source, count(*) AS customers, count(*) / (
    (SELECT customers FROM alone WHERE source = a.source)
    + (SELECT customers FROM alone WHERE source = b.source) - count(*))
FROM used a JOIN used b ON a.customer = b.customer AND a.source < b.source
GROUP BY a.source, b.source ORDER BY 3 DESC, 1, 2 LIMIT 50
""",
    "accounts": """
, did AS (
  SELECT customer, bool_or(step = $one) AS first, bool_or(step = $two) AS second,
    count(*) AS events
  FROM done WHERE step IN ($one, $two) GROUP BY 1),
members AS (
  SELECT DISTINCT e.account, i.customer
  FROM events e JOIN identifiers i ON e.identifier = i.identifier WHERE e.account IS NOT NULL)
SELECT m.account, count(*) AS customers, sum(d.events)
FROM members m JOIN did d ON d.customer = m.customer
GROUP BY 1 HAVING bool_or(d.first) AND bool_or(d.second) ORDER BY 2 DESC, 3 DESC, 1 LIMIT 50
""",
    "newsletter_to_customer": """
, by_channel AS (
  SELECT coalesce(e.channel, '(direct)') AS channel, (s.b[1] - s.a[1]) / 1000 AS took
  FROM second s JOIN events e ON e.message_id = s.a[2])
SELECT channel, count(*) AS subscribers, count(took), count(took) / count(*), median(took)
FROM by_channel GROUP BY 1 ORDER BY 3 DESC, 2 DESC, 1 LIMIT 50
""",
    "changed_identities": """
, figure AS (
  SELECT i.customer, count(*) AS events
  FROM events e JOIN identifiers i ON e.identifier = i.identifier
  WHERE e.step = $event AND e.ts >= $since AND e.ts < $until GROUP BY 1),
changed AS (
  SELECT kind, customer FROM changes WHERE kind <> 'CREATED' AND moment >= $changed_since
  UNION SELECT '(any)', customer FROM changes WHERE kind <> 'CREATED' AND moment >= $changed_since)
SELECT k.kind, count(c.customer), count(f.customer), coalesce(sum(f.events), 0),
  coalesce(sum(f.events), 0) / (SELECT count(*) FROM events
    WHERE step = $event AND ts >= $since AND ts < $until)
FROM (SELECT unnest(['MERGED', 'SPLIT', 'MOVED', 'QUARANTINED', 'RELEASED', '(any)']) AS kind,
    unnest(range(6)) AS n) k
LEFT JOIN changed c ON c.kind = k.kind LEFT JOIN figure f ON f.customer = c.customer
GROUP BY k.kind, k.n ORDER BY k.n
""",
}
"""By the name of the journey."""


def question(name: str) -> LiteralString:
    """The whole text of a question."""
    if name.startswith("funnel"):
        return DONE + SECOND + FUNNEL + QUESTIONS[name]
    if name in {"time_to_convert", "newsletter_to_customer"}:
        return DONE + SECOND + QUESTIONS[name]
    return DONE + QUESTIONS[name]


TIMELINE: Final[LiteralString] = """
SELECT e.message_id, e.ts FROM events e JOIN identifiers i ON e.identifier = i.identifier
WHERE i.customer = $customer ORDER BY e.ts DESC, e.message_id DESC LIMIT 50
"""
"""The newest events of a customer."""


class Peer:
    """A DuckDB with the world's events and identity map in Parquet files under `directory`."""

    def __init__(self, world: World, directory: Path) -> None:
        # It has no types.
        pa: Any = import_module("pyarrow")
        write_table: Any = import_module("pyarrow.parquet").write_table
        events = [(row[1], row[3]) for row in event_rows(world)]
        columns: dict[str, list[Any]] = {"identifier": [key for key, _ in events]}
        for name in ("message_id", "type", "step", "channel", "source"):
            columns[name] = [event.get(name) for _, event in events]
        columns["ts"] = [event["at"] for _, event in events]
        columns["account"] = list(world.account)
        columns["observed"] = [_names(row[1], row[2]) for row in event_rows(world)]
        write_table(pa.table(columns), directory / "events.parquet")
        owned = [
            (f"{SPACE}/{kind}:{value}", world.customer_id(number), world.kinds[number])
            for number, identifiers in enumerate(world.identifiers)
            for kind, value in identifiers
        ]
        names = ("identifier", "customer", "kind")
        write_table(
            pa.table(dict(zip(names, map(list, zip(*owned, strict=True)), strict=True))),
            directory / "identifiers.parquet",
        )
        changes = [
            (kind, START + position, world.customer_id(who))
            for position, kind, who in world.changes
        ]
        names = ("kind", "moment", "customer")
        write_table(
            pa.table(dict(zip(names, map(list, zip(*changes, strict=True)), strict=True))),
            directory / "changes.parquet",
        )
        self._duckdb = duckdb.connect()
        for name in ("events", "identifiers", "changes"):
            self._duckdb.from_parquet(f"{directory / name}.parquet").create_view(name)

    def answer(self, text: str, **given: Any) -> Sequence[Sequence[Any]]:
        """The rows of a question."""
        return self._duckdb.execute(text, given).fetchall()


def _names(*keys: str | None) -> str:
    return ", ".join(sorted(key.partition("/")[2] for key in keys if key))
