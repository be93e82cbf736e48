"""Anybody found by a piece of what is known, among a million customers, while events come in."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, LiteralString

from neo4j import AsyncDriver

from benchmarks.figures import percentile, table
from benchmarks.http import request, send_all
from benchmarks.running import Running, driver_of
from identity_service.domain.identifiers import Identifier
from identity_service.domain.search import Clue, starts_of
from identity_service.graph.keys import identifier_key
from identity_service.graph.search import identifier_properties
from identity_service.settings import Settings

SPACE: Final = "search"
CUSTOMERS: Final = 1_000_000
BATCH: Final = 2_500
WRITERS: Final = 2
ASKED: Final = 200
"""Questions of each kind."""

WARM_UPS: Final = 2
"""How often all kinds are asked before they are measured, about other customers."""

SENDERS: Final = 2
EVENTS_A_SECOND: Final = 100

START: Final = 1_780_000_000_000

QUERY: Final = """query ($space: String!, $text: String!) { space(name: $space) {
  search(text: $text) { edges { node { customerId kind } matches { name value likeness } } } } }"""

WRITE: LiteralString = """
UNWIND $rows AS r
CREATE (c:Customer {id: r[0], space: $space, kind: 'KNOWN', created_at: $at, rev: 1,
  policy_version: 1, settled_at: $at})
WITH c, r
UNWIND range(0, size(r[1]) - 1) AS n
WITH c, r, n, r[1][n] AS i
CREATE (identifier:Identifier {key: i[0], space: $space, type: i[1], value: i[2], first_seen: $at,
  last_seen: $at})-[:BELONGS_TO]->(c)
SET identifier += i[3]
WITH c, r, identifier WHERE n = 0
CREATE (c)-[:ANCHORED_AT]->(identifier)
WITH r, identifier
UNWIND r[2] AS e
CREATE (event:Event {key: e[0], space: $space, message_id: e[0], type: e[1], at: $at,
  received_at: $at, source: $space, place: 0, context: '{}'})
SET event += e[2]
CREATE (event)-[:ATTRIBUTED_TO]->(identifier), (event)-[:OBSERVED]->(identifier)
"""

SYLLABLES: Final = ("an", "bel", "cor", "da", "el", "fi", "ga", "hen", "is", "jo", "ka", "lin",
    "mar", "no", "ol", "pe", "ri", "sa", "to", "ur", "vi", "wen", "yo", "zu")  # fmt: skip
HOSTS: Final = ("example.com", "example.org", "mail.test", "post.test")


def run(service: Running) -> None:
    """Build the world, ask, print."""
    measure(service, CUSTOMERS)


def measure(service: Running, customers: int) -> None:
    """Print how long searches among so many customers take."""
    keys = service.create_space(SPACE)
    asyncio.run(_fill(service.settings, customers))
    asyncio.run(_ask(service, keys, customers))


class Person:
    """What is known of the customer of a number, the same at every call."""

    def __init__(self, number: int) -> None:
        draw = random.Random(number)
        first, last = ("".join(draw.choices(SYLLABLES, k=k)).title() for k in (2, 3))
        self.name = f"{first} {last}"
        self.email = f"{first}.{last}{number}@{draw.choice(HOSTS)}".lower()
        self.phone = f"+316{number * 7_919 % 10**8:08}"
        self.user_id = f"u-{number}"
        self.order = f"ORD-2026-{number:07}"


async def _fill(settings: Settings, customers: int) -> None:
    firsts = iter(range(0, customers, BATCH))

    async def write(driver: AsyncDriver) -> None:
        for first in firsts:
            rows = [_row(n) for n in range(first, min(first + BATCH, customers))]
            await driver.execute_query(WRITE, rows=rows, space=SPACE, at=START)

    async with driver_of(settings) as driver:
        await asyncio.gather(*(write(driver) for _ in range(WRITERS)))


def _row(number: int) -> list[Any]:
    person = Person(number)
    identifiers = [
        [identifier_key(SPACE, each), each.type, each.value, identifier_properties(SPACE, each)]
        for each in (
            Identifier("user_id", person.user_id),
            Identifier("email", person.email),
            Identifier("phone", person.phone),
        )
    ]
    events = [
        _event(f"i{number}", "identify", "traits", Clue("name", person.name)),
        _event(f"o{number}", "track", "properties", Clue("order_id", person.order)),
    ]
    return [f"cus_{number:032x}", identifiers, events]


def _event(message_id: str, kind: str, where: str, clue: Clue) -> list[Any]:
    found, wholes = starts_of([clue])
    looked_up_by = {f"find_{n}": f"{SPACE}/{each}" for n, each in enumerate(found, start=1)}
    said = {"properties": "{}"} | {where: json.dumps({clue.name: clue.value})}
    return [f"{SPACE}/{message_id}\t", kind, looked_up_by | {"find_wholes": wholes} | said]


KINDS: Final[dict[str, Callable[[Person], str]]] = {
    "a whole e-mail address": lambda person: person.email,
    "the beginning of one": lambda person: person.email.partition(".")[0],
    "a name": lambda person: person.name,
    "a last name": lambda person: person.name.split()[1],
    "last name first": lambda person: " ".join(reversed(person.name.split())),
    "the end of a phone number": lambda person: person.phone[-6:],
    "an order": lambda person: person.order.lower(),
    "a misspelt name": lambda person: f"{person.name[:3]}{person.name[4:]}",
    "a wrong first letter": lambda person: f"x{person.name[1:]}",
    "a misspelt e-mail address": lambda person: person.email.replace("@", "@x", 1),
    "a very common beginning": lambda person: person.name[:2],
    "what nobody has": lambda person: f"{person.user_id} nobody",
}


async def _ask(service: Running, keys: dict[str, str], customers: int) -> None:
    draw = random.Random(7)
    for _ in range(WARM_UPS):
        await _took(service, keys["readerKey"], customers, draw)
    for pause in (SENDERS / EVENTS_A_SECOND, 0.0):
        over = asyncio.Event()
        sending = asyncio.create_task(_send_until(service, keys["writeKey"], pause, over))
        begun = time.monotonic()
        rows = await _took(service, keys["readerKey"], customers, draw)
        over.set()
        rate = await sending / (time.monotonic() - begun)
        table(
            f"search among {customers:,} customers, while {rate:,.0f} events came in each second"
            + ("" if pause else ", as many as are answered"),
            ("asked for by", "p50 ms", "p95 ms", "p99 ms"),
            rows,
        )


async def _took(service: Running, key: str, customers: int, draw: random.Random) -> list[list[str]]:
    """A row for each kind of question, about customers that `draw` chooses."""
    rows: list[list[str]] = []
    for kind, text_of in KINDS.items():
        texts = [text_of(Person(draw.randrange(customers))) for _ in range(ASKED)]
        bodies = [
            json.dumps({"query": QUERY, "variables": {"space": SPACE, "text": each}}).encode()
            for each in texts
        ]
        raw = [request("POST", "/graphql", b, bearer=key) for b in bodies]
        took = await send_all(service.port, raw, 1)
        rows.append([kind, *(f"{percentile(took, share):.1f}" for share in (0.5, 0.95, 0.99))])
    return rows


async def _send_until(service: Running, key: str, pause: float, over: asyncio.Event) -> int:
    """Send single events from SENDERS senders; how many.

    Each begins one every `pause` seconds, or when the one before is answered if that is later.
    """

    async def send(numbers: Iterator[int]) -> int:
        sent, due = 0, time.monotonic()
        for n in numbers:
            await asyncio.sleep(max(due - time.monotonic(), 0))
            if over.is_set():
                break
            due = max(due + pause, time.monotonic())
            call = {"type": "track", "event": "Viewed", "userId": f"visitor-{n % 5_000}"}
            raw = request("POST", "/v1/track", json.dumps(call).encode(), write_key=key)
            await send_all(service.port, [raw], 1)
            sent += 1
        return sent

    senders = (send(itertools.count(n, SENDERS)) for n in range(SENDERS))
    return sum(await asyncio.gather(*senders))
