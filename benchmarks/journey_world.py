"""A settled space of 100,000 customers and 1,000,000 events, written straight into the graph.

The same columns go to Parquet, for the peer.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, LiteralString

from neo4j import AsyncDriver

from benchmarks.running import driver_of
from identity_service.settings import Settings

SPACE: Final = "journeys"
CUSTOMERS: Final = 100_000
EVENTS: Final = 1_000_000
START: Final = 1_780_000_000_000
DAY: Final = 86_400_000
DAYS: Final = 90
BATCH: Final = 5_000
ACCOUNTS: Final = 500
SETTLED: Final = 500
"""Customers that were settled at one moment, as in a load."""

SOURCES: Final = ("app", "shop")
CHANGES: Final = ("CREATED", "MERGED", "MOVED", "SPLIT", "QUARANTINED", "RELEASED")

PAGES: Final = ("Home", "Pricing", "Features", "Blog", "Docs", "About", "Contact", "Cart")
TRACKS: Final = (
    "Product Viewed",
    "Product Added",
    "Checkout Started",
    "Order Completed",
    "Signed Up",
    "Video Played",
    "Search Performed",
    "Coupon Applied",
    "Wishlist Used",
    "Support Asked",
    "Invite Sent",
    "Plan Changed",
    "Email Session",
    "Email Clicked",
    "App Session",
    "App Closed",
    "Feedback Given",
    "Trial Started",
    "Export Made",
    "Report Shared",
)
CHANNELS: Final = ("google", "newsletter", "facebook", "partner", "bing", "podcast")
NEXT: Final = {
    "Home": ("Pricing", "Features", "Blog", "Product Viewed", "Search Performed"),
    "Pricing": ("Signed Up", "Trial Started", "Contact", "Features"),
    "Product Viewed": ("Product Added", "Product Viewed", "Wishlist Used"),
    "Product Added": ("Cart", "Product Viewed", "Coupon Applied"),
    "Cart": ("Checkout Started", "Product Viewed"),
    "Checkout Started": ("Order Completed", "Cart"),
}
"""Where a visit often goes on."""

WRITE_CUSTOMERS: LiteralString = """
UNWIND $rows AS r
CREATE (c:Customer {id: r[0], space: $space, kind: r[1], created_at: r[2], rev: 1,
  policy_version: 1, settled_at: r[2]})
WITH c, r
UNWIND r[3] AS i
CREATE (n:Identifier {key: $space + '/' + i[0] + ':' + i[1], space: $space, type: i[0],
  value: i[1], first_seen: r[2], last_seen: r[4]})-[:BELONGS_TO]->(c)
FOREACH (_ IN CASE WHEN r[1] = 'QUARANTINED' THEN [1] ELSE [] END | SET n:Contested)
"""

WRITE_EVENTS: LiteralString = """
UNWIND $rows AS r
MATCH (i:Identifier {key: r[1]})
OPTIONAL MATCH (o:Identifier {key: r[2]})
CREATE (e:Event {key: r[0]})-[:ATTRIBUTED_TO]->(i), (e)-[:OBSERVED]->(i)
SET e = r[3]
FOREACH (x IN CASE WHEN o IS NULL THEN [] ELSE [o] END | CREATE (e)-[:OBSERVED]->(x))
WITH e, r WHERE r[4] IS NOT NULL
MATCH (a:Account {key: $space + '/' + r[4]})
CREATE (e)-[:NAMES]->(a)
"""

WRITE_ACCOUNTS: LiteralString = """
UNWIND $rows AS id
CREATE (:Account {key: $space + '/' + id, space: $space, account_id: id})
"""

WRITE_CHANGES: LiteralString = """
UNWIND $rows AS r
CREATE (:Change {id: 'chg_' + toString(r[0]), space: $space, position: r[0], kind: r[1], at: r[2],
  customer_id: r[3], identifiers: [], policy_version: 1, cause: 'event:m0'})
"""

CONTEXT: Final = json.dumps(
    {
        "library": {"name": "analytics.js", "version": "4.1.0"},
        "userAgent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0",
    }
)


@dataclass
class World:
    """Columns of events, one entry each; and who they belong to.

    `who` counts customers; `identifiers` are those of each, the strongest first. `changes` are
    positions in the ledger, kinds and customers.
    """

    identifiers: list[list[tuple[str, str]]] = field(default_factory=list[list[tuple[str, str]]])
    kinds: list[str] = field(default_factory=list[str])
    who: list[int] = field(default_factory=list[int])
    at: list[int] = field(default_factory=list[int])
    type: list[str] = field(default_factory=list[str])
    name: list[str] = field(default_factory=list[str])
    channel: list[str | None] = field(default_factory=list[str | None])
    revenue: list[float | None] = field(default_factory=list[float | None])
    source: list[str] = field(default_factory=list[str])
    account: list[str | None] = field(default_factory=list[str | None])
    changes: list[tuple[int, str, int]] = field(default_factory=list[tuple[int, str, int]])

    def customer_id(self, number: int) -> str:
        """The id of a customer."""
        return f"cus_{number:032x}"


def build(customers: int = CUSTOMERS, events: int = EVENTS, seed: int = 5) -> World:
    """The world, the same at every call."""
    draw = random.Random(seed)
    world = World()
    for number in range(customers):
        contested = number % 500 == 499
        known = not contested and draw.random() < 0.4
        owned = [("user_id", f"u{number}")] if known else []
        owned.append(("anonymous_id", f"a{number}"))
        if known and draw.random() < 0.3:
            owned.append(("anonymous_id", f"b{number}"))
        world.identifiers.append(owned)
        world.kinds.append("QUARANTINED" if contested else "KNOWN" if known else "ANONYMOUS")
    while len(world.who) < events:
        # A few come often: the smaller of two draws.
        who = min(draw.randrange(customers), draw.randrange(customers))
        _visit(world, draw, who, events)
    for position in range(1, customers + 1):
        kind = draw.choices(CHANGES, (80, 8, 4, 2, 3, 3))[0]
        world.changes.append((position, kind, draw.randrange(customers)))
    return world


def _visit(world: World, draw: random.Random, who: int, most: int) -> None:
    at = START + draw.randrange(DAYS * DAY)
    step = draw.choice(PAGES) if draw.random() < 0.7 else draw.choice(TRACKS)
    channel = draw.choice(CHANNELS) if draw.random() < 0.4 else None
    source = draw.choice(SOURCES)
    # One customer in ten is of a company, and says so now and then.
    account = f"company-{who % ACCOUNTS}" if who % 10 == 0 and draw.random() < 0.5 else None
    for _ in range(min(1 + int(draw.expovariate(0.25)), most - len(world.who))):
        world.who.append(who)
        world.at.append(at)
        world.type.append("page" if step in PAGES else "track")
        world.name.append(step)
        world.channel.append(channel)
        world.revenue.append(draw.randrange(500, 20_000) / 100 if step[:5] == "Order" else None)
        world.source.append(source)
        world.account.append(account)
        at += draw.randrange(1_000, 240_000)
        onward = NEXT.get(step)
        step = (
            draw.choice(onward) if onward and draw.random() < 0.6 else draw.choice(PAGES + TRACKS)
        )
        channel = None


def event_rows(world: World) -> Iterator[list[Any]]:
    """Events as `WRITE_EVENTS` takes them."""
    for n, who in enumerate(world.who):
        owned = world.identifiers[who]
        # Four in five visits are made while logged in; the first few were before the sign-up.
        at = n % len(owned) if n % 5 == 0 else 0
        kind, value = owned[at]
        other = owned[-1] if len(owned) > 1 and at == 0 else None
        properties: dict[str, Any] = {"url": "https://shop.example/p"}
        if world.channel[n]:
            properties["utm_source"] = world.channel[n]
        if world.revenue[n]:
            properties["revenue"] = world.revenue[n]
        yield [
            f"{SPACE}/m{n}",
            f"{SPACE}/{kind}:{value}",
            f"{SPACE}/{other[0]}:{other[1]}" if other else None,
            {
                "key": f"{SPACE}/m{n}",
                "space": SPACE,
                "message_id": f"m{n}",
                "type": world.type[n],
                "name": world.name[n],
                "step": world.name[n],
                **({"channel": world.channel[n]} if world.channel[n] else {}),
                "at": world.at[n],
                "received_at": world.at[n] + 500,
                "source": world.source[n],
                "properties": json.dumps(properties),
                "context": CONTEXT,
                **{f"p_{name}": value for name, value in properties.items()},
            },
            world.account[n],
        ]


async def fill(settings: Settings, world: World) -> None:
    """Write the world into a Neo4j whose schema is applied, unless it is there already."""
    async with driver_of(settings) as driver:
        there = await driver.execute_query(
            "MATCH (e:Event {key: $key}) RETURN e.key", key=f"{SPACE}/m0"
        )
        if not there.records:
            await write(driver, world)
        await driver.execute_query("CALL db.awaitIndexes(600)")


async def write(driver: AsyncDriver, world: World) -> None:
    """Write the world into an empty database whose schema is applied."""
    customers = [
        [world.customer_id(n), world.kinds[n], START + n // SETTLED, owned, START + DAYS * DAY]
        for n, owned in enumerate(world.identifiers)
    ]
    for start in range(0, len(customers), BATCH):
        await driver.execute_query(
            WRITE_CUSTOMERS, rows=customers[start : start + BATCH], space=SPACE
        )
    accounts = [f"company-{n}" for n in range(ACCOUNTS)]
    await driver.execute_query(WRITE_ACCOUNTS, rows=accounts, space=SPACE)
    changes = [
        [position, kind, START + position, world.customer_id(who)]
        for position, kind, who in world.changes
    ]
    for start in range(0, len(changes), BATCH):
        await driver.execute_query(WRITE_CHANGES, rows=changes[start : start + BATCH], space=SPACE)
    rows = event_rows(world)
    turn = asyncio.Lock()

    async def writer() -> None:
        while True:
            async with turn:
                batch = list(islice(rows, BATCH))
            if not batch:
                return
            await driver.execute_query(WRITE_EVENTS, rows=batch, space=SPACE)

    await asyncio.gather(writer(), writer())
