"""The same features and audiences, in SQL for DuckDB over the export of a space."""

from __future__ import annotations

from pathlib import Path
from typing import Final, LiteralString

import duckdb

TEXT: Final = """
features:
  orders: {count: Order Completed}
  orders_150d: {count: Order Completed, within: 150d}
  revenue: {sum: revenue, of: Order Completed}
  biggest_order: {max: revenue, of: Order Completed}
  average_order: {average: revenue, of: Order Completed}
  favourite_channel: {most_frequent: utm_source, of: any}
  first_channel: {first: utm_source, of: any}
  steps: {distinct: step, of: any}
  active_days: {days: any, within: 150d}
  visits: {sessions: any, pause: 30m}
  days_idle: {since_last: any, unit: d}
audiences:
  buyers: {who: {did: Order Completed}}
  loyal:
    who:
      all:
        - {feature: revenue, gte: 300}
        - {did: Order Completed, times: {gte: 2}, within: 150d}
  cart_left:
    who: {did: Product Added, within: 150d, then_not: {did: Order Completed, within: 2h}}
"""

COMPUTE: Final[LiteralString] = """
CREATE OR REPLACE TABLE computed AS
WITH asked AS (
  SELECT p.customer_id, c.kind, epoch_ms(p.evaluated_at) AS now
  FROM profiles p JOIN customers c ON c.id = p.customer_id),
done AS (
  SELECT a.customer_id, a.now, e.step, epoch_ms(e."at") AS ts,
    (epoch_ms(e."at"), epoch_ms(e.received_at), e.place, e.key) AS place,
    e.p['utm_source'] AS channel, e.p['revenue']::DECIMAL(18, 2) AS revenue
  FROM asked a JOIN events e ON e.customer_id = a.customer_id AND epoch_ms(e."at") <= a.now
  WHERE e.step IS NOT NULL),
paused AS (
  SELECT *, ts - lag(ts) OVER (PARTITION BY customer_id ORDER BY ts) <= 1800000 AS goes_on
  FROM done),
channels AS (
  SELECT customer_id, channel FROM done WHERE channel IS NOT NULL GROUP BY 1, 2
  QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY count(*) DESC, channel) = 1),
ordered AS (SELECT customer_id, ts FROM done WHERE step = 'Order Completed'),
carts AS (
  SELECT DISTINCT d.customer_id
  FROM done d ASOF LEFT JOIN ordered o ON o.customer_id = d.customer_id AND o.ts > d.ts
  WHERE d.step = 'Product Added' AND d.ts > d.now - 12960000000 AND d.ts + 7200000 <= d.now
    AND (o.ts IS NULL OR o.ts > d.ts + 7200000)),
figures AS (
  SELECT customer_id,
    count(*) FILTER (step = 'Order Completed') AS orders,
    count(*) FILTER (step = 'Order Completed' AND ts > now - 12960000000) AS orders_150d,
    sum(revenue) FILTER (step = 'Order Completed') AS revenue,
    max(revenue) FILTER (step = 'Order Completed') AS biggest_order,
    avg(revenue) FILTER (step = 'Order Completed') AS average_order,
    arg_min(channel, place) FILTER (channel IS NOT NULL) AS first_channel,
    count(DISTINCT step) AS steps,
    count(DISTINCT ts // 86400000) FILTER (ts > now - 12960000000) AS active_days,
    count(*) FILTER (goes_on IS NOT TRUE) AS visits,
    max(ts) AS last
  FROM paused GROUP BY 1)
SELECT a.customer_id,
  coalesce(f.orders, 0) AS orders,
  coalesce(f.orders_150d, 0) AS orders_150d,
  coalesce(f.revenue, 0) AS revenue,
  f.biggest_order,
  f.average_order,
  c.channel AS favourite_channel,
  f.first_channel,
  coalesce(f.steps, 0) AS steps,
  coalesce(f.active_days, 0) AS active_days,
  coalesce(f.visits, 0) AS visits,
  (a.now - f.last) // 86400000 AS days_idle,
  a.kind = 'KNOWN' AND coalesce(f.orders, 0) > 0 AS buyers,
  a.kind = 'KNOWN' AND coalesce(f.revenue >= 300 AND f.orders_150d >= 2, false) AS loyal,
  a.kind = 'KNOWN' AND l.customer_id IS NOT NULL AS cart_left
FROM asked a
LEFT JOIN figures f ON f.customer_id = a.customer_id
LEFT JOIN channels c ON c.customer_id = a.customer_id
LEFT JOIN carts l ON l.customer_id = a.customer_id
"""
"""All values of all customers, each at the instant at which the service computed it."""

FEATURES: Final = (
    *("orders", "orders_150d", "revenue", "biggest_order", "average_order", "favourite_channel"),
    *("first_channel", "steps", "active_days", "visits", "days_idle"),
)
AUDIENCES: Final = ("buyers", "loyal", "cart_left")


class Peer:
    """A DuckDB over an export."""

    def __init__(self, export: Path) -> None:
        self._duckdb = duckdb.connect()
        for name in ("events", "customers", "profiles"):
            self._duckdb.from_parquet(f"{export / name}/*.parquet").create_view(name)

    def compute(self) -> None:
        """Compute everything, into a table."""
        self._duckdb.execute(COMPUTE)

    def differing(self) -> dict[str, int]:
        """By feature and audience, how many customers differ; amounts to nine digits."""
        compared = [_differ(f"s.f_{name}", f"c.{name}") for name in FEATURES]
        compared += [f"list_contains(s.audiences, '{name}') <> c.{name}" for name in AUDIENCES]
        counted = ", ".join(f"count(*) FILTER ({each})" for each in compared)
        found = self._duckdb.execute(
            f"SELECT {counted} FROM profiles s JOIN computed c USING (customer_id)"  # noqa: S608
        ).fetchone()
        return dict(zip((*FEATURES, *AUDIENCES), found or (), strict=True))

    def customers(self) -> int:
        """How many there are."""
        found = self._duckdb.execute("SELECT count(*) FROM computed").fetchone()
        return found[0] if found else 0


def _differ(stored: str, computed: str) -> str:
    if computed.endswith(("revenue", "order")):
        stored, computed = (f"round({each}::DOUBLE, 9)" for each in (stored, computed))
    return f"{stored} IS DISTINCT FROM {computed}"
