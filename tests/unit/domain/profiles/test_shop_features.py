"""The features of a library for shops, written in our language, and the same in DuckDB's SQL.

The library is RudderStack's for Shopify, of 53 features. Two are not expressed, since they need a
feature inside a `where`: the status and the value of the latest cart. A difference in days is one
in whole units of 24 hours here, and a session that has begun before a window counts in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from random import Random
from typing import Any, Final, NamedTuple

import duckdb
import pytest

from identity_service.domain.events import EventOrder
from identity_service.domain.profiles.evaluate import Evaluation, evaluate
from identity_service.domain.profiles.occurrences import CustomerEvidence, ProfileEvent
from identity_service.domain.profiles.parse import parse_profiles
from identity_service.domain.profiles.values import json_text, read_json
from identity_service.domain.resolution.id_register import CustomerKind
from tests.support.profile_evidence import DAY, MINUTE, NOW

CUSTOMERS: Final = 60
REFUNDED: Final = "financial_status IN ('paid', 'refunded', 'partially_refunded')"
SINCE_LAST: Final = f"({NOW} - max(ts)) // {DAY}"
OF_REFUNDS: Final = "where: {financial_status: {in: [paid, refunded, partially_refunded]}}"


class Pair(NamedTuple):
    """A feature in our language, and an expression of SQL over a view, for each customer."""

    feature: str
    expression: str
    view: str
    where: str = "true"


def last(column: str) -> Pair:
    """The latest value that is there and not empty."""
    return Pair(
        f"{{last: {column}, of: {{call: identify}}, where: {{{column}: {{not: ''}}}}}}",
        f"arg_max({column}, ts)",
        "identifies",
        f"{column} IS NOT NULL AND {column} <> ''",
    )


def ago(days: int) -> str:
    return f"ts > {NOW} - {days}::BIGINT * {DAY}"


def listed(days: int | None) -> Pair:
    within = "" if days is None else f", within: {days}d"
    return Pair(
        f"{{list: product_id, of: Cart Update, each: products, limit: 1000{within}}}",
        "list_sort(list(DISTINCT product_id))",
        "cart_items",
        "true" if days is None else ago(days),
    )


def counted(step: str, view: str, days: int) -> Pair:
    return Pair(f"{{count: {step}, within: {days}d}}", "count(*)", view, ago(days))


def carts(days: int) -> Pair:
    feature = f"{{distinct: token, of: Cart Update, within: {days}d}}"
    return Pair(feature, "count(DISTINCT token)", "carts", ago(days))


def sessions(days: int, expression: str, measure: str = "") -> Pair:
    """Sessions of what lies in the window."""
    feature = f"{{sessions: any, kinds_of_events: [page], within: {days}d{measure}}}"
    return Pair(feature, expression, f"sessions_of({days})")


def days_active(days: int) -> Pair:
    feature = f"{{days: any, kinds_of_events: [page], within: {days}d}}"
    return Pair(feature, f"count(DISTINCT ts // {DAY})", "pages", ago(days))


def spent(days: int) -> dict[str, Pair]:
    """What was paid in these days, less what was refunded."""
    return {
        f"paid_{days}": Pair(
            f"{{sum: total_price_usd, of: Order Created, within: {days}d}}",
            "sum(price)",
            "orders",
            ago(days),
        ),
        f"cancelled_{days}": Pair(
            f"{{sum: total_price_usd, of: Order Cancelled, within: {days}d}}",
            "sum(price)",
            "cancelled",
            ago(days),
        ),
        f"net_amt_spent_in_past_{days}_days": Pair(
            f"{{minus: [paid_{days}, cancelled_{days}]}}",
            "sum(amount)",
            "movements",
            ago(days),
        ),
    }


LENGTH: Final = "avg((ended - started) / 1000.0)"
ALWAYS: Final = 36_500
PAIRS: Final[dict[str, Pair]] = {
    "days_since_last_cart_add": Pair("{since_last: Cart Update}", SINCE_LAST, "carts"),
    "days_since_last_seen": Pair("{since_last: any}", SINCE_LAST, "steps"),
    "seen_in_8_days": Pair("{distinct: customer, of: any, within: 8d}", "1", "steps", ago(8)),
    "is_churned_7_days": Pair("{minus: [1, seen_in_8_days]}", f"({SINCE_LAST} > 7)::INT", "steps"),
    "days_since_last_purchase": Pair("{since_last: Order Created}", SINCE_LAST, "orders"),
    "days_since_first_purchase": Pair(
        "{since_first: Order Created}", f"({NOW} - min(ts)) // {DAY}", "orders"
    ),
    "has_credit_card": Pair(
        "{distinct: customer, of: Order Created, where: {payment.company: {matches:"
        " '(?i)visa|american express|mastercard'}}}",
        "max((lower(company) IN ('visa', 'american express', 'mastercard'))::INT)",
        "orders",
    ),
    "units": Pair("{count: Order Created, each: products}", "sum(units)::BIGINT", "orders"),
    "avg_units_per_transaction": Pair(
        "{divide: [units, total_transactions]}", "avg(units)", "orders"
    ),
    "avg_transaction_value": Pair(
        "{average: total_price_usd, of: Order Created}", "avg(price)", "orders"
    ),
    "highest_transaction_value": Pair(
        "{max: total_price_usd, of: Order Created}", "max(price)", "orders"
    ),
    "median_transaction_value": Pair(
        "{median: total_price_usd, of: Order Created}", "median(price::DOUBLE)", "orders"
    ),
    "total_transactions": Pair("{count: Order Created}", "count(*)", "orders"),
    "last_transaction_value": Pair(
        "{last: total_price_usd, of: Order Created}", "arg_max(price, ts)", "orders"
    ),
    "total_refund": Pair(
        f"{{sum: total_price_usd, of: Order Cancelled, {OF_REFUNDS}}}",
        "sum(price)",
        "cancelled",
        REFUNDED,
    ),
    "refund_count": Pair(
        f"{{count: Order Cancelled, {OF_REFUNDS}}}", "count(*)", "cancelled", REFUNDED
    ),
    "total_refund_in_past_1_days": Pair(
        f"{{sum: total_price_usd, of: Order Cancelled, within: 1d, {OF_REFUNDS}}}",
        "sum(price)",
        "cancelled",
        f"{REFUNDED} AND {ago(1)}",
    ),
    "total_refund_in_past_7_days": Pair(
        f"{{sum: total_price_usd, of: Order Cancelled, within: 7d, {OF_REFUNDS}}}",
        "sum(price)",
        "cancelled",
        f"{REFUNDED} AND {ago(7)}",
    ),
    "days_since_account_creation": Pair(
        "{since_first: {call: identify}}", f"({NOW} - min(ts)) // {DAY}", "identifies"
    ),
    "state": last("state"),
    "country": last("country"),
    "first_name": last("first_name"),
    "last_name": last("last_name"),
    "user_email": last("email"),
    "currency": last("currency"),
    "active_days_in_past_7_days": days_active(7),
    "active_days_in_past_365_days": days_active(365),
    "total_sessions_till_date": sessions(ALWAYS, "count(*)"),
    "total_sessions_last_week": sessions(7, "count(*)"),
    "total_sessions_90_days": sessions(90, "count(*)"),
    "total_sessions_365_days": sessions(365, "count(*)"),
    "avg_session_length_in_sec_overall": sessions(ALWAYS, LENGTH, ", average: seconds"),
    "avg_session_length_in_sec_last_week": sessions(7, LENGTH, ", average: seconds"),
    "avg_session_length_in_sec_365_days": sessions(365, LENGTH, ", average: seconds"),
    "first_seen_date": Pair("{first_at: any, kinds_of_events: [page]}", "iso(min(ts))", "pages"),
    "last_seen_date": Pair("{last_at: any, kinds_of_events: [page]}", "iso(max(ts))", "pages"),
    "carts_in_past_1_days": carts(1),
    "carts_in_past_7_days": carts(7),
    "carts_in_past_365_days": carts(365),
    "total_carts": Pair("{distinct: token, of: Cart Update}", "count(DISTINCT token)", "carts"),
    "total_products_added": listed(None),
    "products_added_in_past_1_days": listed(1),
    "products_added_in_past_7_days": listed(7),
    "products_added_in_past_365_days": listed(365),
    "latest_cart_id": Pair("{last: token, of: Cart Update}", "arg_max(token, ts)", "carts"),
    "transactions_in_past_1_days": counted("Order Created", "orders", 1),
    "transactions_in_past_90_days": counted("Order Created", "orders", 90),
    "transactions_in_past_365_days": counted("Order Created", "orders", 365),
    **spent(1),
    **spent(90),
    **spent(365),
    "cancelled": Pair("{sum: total_price_usd, of: Order Cancelled}", "sum(price)", "cancelled"),
    "gross_amt_spent_in_past": Pair(
        "{sum: total_price_usd, of: Order Created}", "sum(price)", "orders"
    ),
    "net_amt_spent_in_past": Pair(
        "{minus: [gross_amt_spent_in_past, cancelled]}", "sum(amount)", "movements"
    ),
    "items_purchased_ever": Pair(
        "{list: sku, of: Order Created, each: products, limit: 1000}",
        "list_sort(list(DISTINCT sku))",
        "order_items",
    ),
}
STEPS_ON_THE_WAY: Final = 10
"""Features that others are computed from, and that are none of the library's own."""

VIEWS: Final = """
CREATE MACRO iso(ts) AS strftime(make_timestamp(ts * 1000), '%Y-%m-%dT%H:%M:%S.%g') || 'Z';
CREATE VIEW steps AS SELECT * FROM events WHERE step IS NOT NULL;
CREATE VIEW pages AS SELECT * FROM events WHERE type = 'page';
CREATE VIEW orders AS SELECT customer, ts, (p->>'total_price_usd')::DECIMAL(18, 2) AS price,
  p->>'$.payment.company' AS company, json_array_length(p->'products') AS units,
  p->'products' AS products FROM events WHERE step = 'Order Created';
CREATE VIEW cancelled AS SELECT customer, ts, (p->>'total_price_usd')::DECIMAL(18, 2) AS price,
  p->>'financial_status' AS financial_status FROM events WHERE step = 'Order Cancelled';
CREATE VIEW movements AS SELECT customer, ts, price AS amount FROM orders
  UNION ALL SELECT customer, ts, -price FROM cancelled;
CREATE VIEW order_items AS
  SELECT customer, ts, item->>'sku' AS sku
  FROM (SELECT customer, ts, unnest(products::JSON[]) AS item FROM orders);
CREATE VIEW carts AS
  SELECT customer, ts, p->>'token' AS token FROM events WHERE step = 'Cart Update';
CREATE VIEW cart_items AS
  SELECT customer, ts, item->>'product_id' AS product_id
  FROM (SELECT customer, ts, unnest((p->'products')::JSON[]) AS item FROM events
    WHERE step = 'Cart Update');
CREATE VIEW identifies AS SELECT customer, ts, t->>'state' AS state, t->>'country' AS country,
  t->>'first_name' AS first_name, t->>'last_name' AS last_name, t->>'email' AS email,
  t->>'currency' AS currency FROM events WHERE type = 'identify';
CREATE MACRO sessions_of(days) AS TABLE
  SELECT customer, min(ts) AS started, max(ts) AS ended FROM (
    SELECT customer, ts, sum(begins) OVER (PARTITION BY customer ORDER BY ts) AS number FROM (
      SELECT customer, ts, (ts - lag(ts, 1, -1000000000000000) OVER
        (PARTITION BY customer ORDER BY ts) > 1800000)::INT AS begins
      FROM pages WHERE ts > getvariable('now') - days::BIGINT * 86400000))
  GROUP BY customer, number;
"""


def happened(dice: Random) -> tuple[str, str | None, dict[str, Any], dict[str, Any] | None]:
    """A call of a shop: its type, step, properties and traits."""
    amount = Decimal(dice.randrange(1, 100_000)).scaleb(-2)
    match dice.randrange(9):
        case 0 | 1:
            skus = [{"sku": f"s{dice.randrange(30)}"} for _ in range(dice.randrange(4))]
            company = dice.choice(("Visa", "MASTERCARD", "American Express", "Diners", None))
            properties: dict[str, Any] = {"total_price_usd": amount, "products": skus}
            return "track", "Order Created", {**properties, "payment": {"company": company}}, None
        case 2:
            status = dice.choice(("paid", "refunded", "partially_refunded", "pending"))
            properties = {"total_price_usd": amount, "financial_status": status}
            return "track", "Order Cancelled", properties, None
        case 3 | 4:
            added = [{"product_id": f"p{dice.randrange(99)}"} for _ in range(dice.randrange(4))]
            return (
                "track",
                "Cart Update",
                {"token": f"t{dice.randrange(9)}", "products": added},
                None,
            )
        case 5:
            names = ("state", "country", "first_name", "last_name", "email", "currency")
            traits = {name: dice.choice(("", None, f"{name} {amount}")) for name in names}
            return "identify", None, {}, traits
        case _:
            return "page", "Home", {}, None


def customers(dice: Random) -> Iterator[CustomerEvidence]:
    for number in range(CUSTOMERS):
        # Each at a time of its own: SQL has no order of receipt.
        reach = dice.choice((2 * DAY, 20 * DAY, 500 * DAY))
        times = {NOW - dice.randrange(reach) for _ in range(dice.randrange(1, 60))}
        times |= {at - dice.randrange(40 * MINUTE) for at in list(times)}
        events: list[ProfileEvent] = []
        for at in times:
            call, step, properties, traits = happened(dice)
            key = f"{number} {at}"
            events.append(
                ProfileEvent(
                    EventOrder(at, at, 0, key),
                    key,
                    call,
                    step,
                    step,
                    json_text(properties),
                    None if traits is None else json_text(traits),
                )
            )
        yield CustomerEvidence(f"cus_{number}", CustomerKind.KNOWN, events)


@pytest.fixture(scope="module")
def shop() -> Mapping[str, CustomerEvidence]:
    return {each.customer_id: each for each in customers(Random(51))}  # noqa: S311


@pytest.fixture(scope="module")
def ours(shop: Mapping[str, CustomerEvidence]) -> Mapping[str, Evaluation]:
    text = "".join(f"  {name}: {pair.feature}\n" for name, pair in PAIRS.items())
    profiles = parse_profiles(f"features:\n{text}")
    return {customer: evaluate(profiles, evidence, NOW) for customer, evidence in shop.items()}


@pytest.fixture(scope="module")
def database(shop: Mapping[str, CustomerEvidence]) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE events (customer TEXT, ts BIGINT, type TEXT, step TEXT, p JSON, t JSON)"
        )
        connection.executemany(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    customer,
                    event.at,
                    event.type,
                    event.step,
                    event.properties_json,
                    event.traits_json,
                )
                for customer, evidence in shop.items()
                for event in evidence.events
            ],
        )
        connection.execute(f"SET VARIABLE now = {NOW}")
        connection.execute(VIEWS)
        yield connection


@pytest.mark.parametrize("name", PAIRS)
def test_a_feature_of_a_shop_is_what_sql_says(
    name: str, ours: Mapping[str, Evaluation], database: duckdb.DuckDBPyConnection
) -> None:
    pair = PAIRS[name]
    rows = database.execute(
        f"SELECT customer, {pair.expression} FROM {pair.view} WHERE {pair.where}"  # noqa: S608
        " GROUP BY customer"
    ).fetchall()
    said = dict(rows)

    for customer, evaluation in ours.items():
        found = evaluation.features[name].value
        expected = said.get(customer)
        assert (customer, same(found, expected)) == (customer, True), (found, expected)
    assert len(said) > 1


def same(found: Any, expected: Any) -> bool:
    """SQL has no group for customers without a row, and takes averages as floats."""
    if expected is None:
        return found in (None, 0, [])
    if isinstance(expected, float):
        return found is not None and math.isclose(found, expected, rel_tol=1e-12)
    return found == expected


def test_all_of_the_library_but_two_are_expressed() -> None:
    assert len(PAIRS) - STEPS_ON_THE_WAY == 51


def test_the_shop_is_not_empty(shop: Mapping[str, CustomerEvidence]) -> None:
    events = [event for evidence in shop.values() for event in evidence.events]

    assert len(events) > 2_000
    assert all(isinstance(read_json(event.properties_json), dict) for event in events)
