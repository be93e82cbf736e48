"""Customers found by features are those that reading all profiles finds, in the same order."""

from __future__ import annotations

import operator
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from identity_service.domain.identifiers import IdentifierKind
from identity_service.domain.policies.policy import Policy, Rule, Sharing
from identity_service.domain.profiles.values import value_key
from identity_service.graph.database import Database
from identity_service.graph.feature_search import (
    FeatureCondition,
    FeatureSearch,
    FeatureSearchReader,
)
from identity_service.services.limits import Limits, ProfileLimits
from tests.support.profiles import FakeClock, StoredProfiles, apply_text, computed, stored
from tests.support.space import NewWorld, World, event

START: Final = 1_700_000_000_000

POLICY: Final = Policy(
    {
        "user_id": Rule(1, IdentifierKind.PERSON, shared=Sharing.MERGE),
        "email": Rule(2, IdentifierKind.PERSON, shared=Sharing.MERGE),
    }
)

TEXT: Final = """
features:
  revenue: {sum: price, of: any}
  average: {average: price, of: any}
  last_item: {last: item, of: any}
  orders: {count: Bought}
  items: {list: item, of: any}
audiences:
  buyers: {who: {did: Bought}}
"""

SORTED: Final = ("revenue", "average", "last_item", "orders")
MANY: Final = 10_000
HUGE: Final = 10**320
"""More than a float holds."""

LONG: Final = "long" * 60
ITEMS: Final = (
    None,
    True,
    False,
    -3,
    0,
    0.5,
    12,
    12.0,
    "",
    "a",
    "a\0b",
    "ab",
    "z/é",
    LONG,
    LONG + "!",
)

COMPARED: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "is": operator.eq,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}

FORGET: Final = """
MATCH (p:Profile {space: $space})-[v:HAS_VALUE]->() DELETE v
WITH DISTINCT p.space AS space MATCH (k:ProfileWork {space: space}) REMOVE k.findable
RETURN count(k)
"""
LEFT: Final = "MATCH ()-[v:HAS_VALUE]->() WHERE v.key STARTS WITH $space + '/' RETURN count(v)"


def some_event(draw: random.Random, number: int) -> Any:
    price, item = draw.choice((-2.5, 0, 1, 7.25, 100)), draw.choice((*ITEMS, HUGE))
    said = {"price": price} | ({} if item is None else {"item": item})
    who = f"user_id:{draw.randrange(25)}"
    name = draw.choice(("Bought", "Saw"))
    return event(f"m{number}", START + draw.randrange(1000), who, name=name, properties=said)


def kind_of(value: Any) -> type:
    return type(value) if isinstance(value, bool | str) else float


def fulfils(values: Mapping[str, Any], condition: FeatureCondition) -> bool:
    value, operand = values.get(condition.name), condition.operand
    if condition.operator == "exists":
        return (value is not None) == operand
    if value is None or kind_of(value) is not kind_of(operand):
        return False
    return COMPARED[condition.operator](value, operand)


def expected(profiles: StoredProfiles, search: FeatureSearch) -> list[str]:
    """By reading everything; customers of one value in either order of their ids."""
    fitting = [
        (value_key(values[search.order_by]), customer)
        for customer, values in profiles.values.items()
        if values.get(search.order_by) is not None
        and (search.audience is None or search.audience in profiles.audiences[customer])
        and all(fulfils(values, each) for each in search.conditions)
    ]
    return [customer for _, customer in sorted(fitting, reverse=search.descending)]


def some_search(draw: random.Random) -> FeatureSearch:
    def condition() -> FeatureCondition:
        name = draw.choice(SORTED)
        how = draw.choice((*COMPARED, "exists"))
        operand = draw.choice(ITEMS[1:] if name == "last_item" else (-2.5, 0, 1, 7.25, 9))
        return FeatureCondition(name, how, draw.random() < 0.5 if how == "exists" else operand)

    conditions = [condition() for _ in range(draw.randrange(3))]
    audience = draw.choice((None, None, "buyers"))
    return FeatureSearch(conditions, audience, draw.choice(SORTED), draw.random() < 0.5, None, MANY)


async def all_pages(
    reader: FeatureSearchReader, space: str, search: FeatureSearch, most: int
) -> list[str]:
    found: list[str] = []
    after: str | None = None
    while True:
        page = await reader.find(space, replace(search, after=after), most)
        found += [each.customer_id for each in page.customers]
        after = page.customers[-1].place if len(page.customers) == most else page.looked_to
        if after is None:
            return found


async def space_of(world: NewWorld) -> World:
    limits = Limits(profiles=ProfileLimits(customers_per_step=10))
    space = await world(POLICY, clock=FakeClock(START + 5_000), limits=limits)
    await apply_text(space, TEXT)
    return space


async def test_whatever_is_asked_the_customers_and_their_order_are_exact(
    world: NewWorld, database: Database
) -> None:
    draw = random.Random(14)  # noqa: S311
    one, other = await space_of(world), await space_of(world)
    reader = FeatureSearchReader(database)

    async def check(space: World, searches: int) -> None:
        profiles = await stored(space)
        for _ in range(searches):
            search = some_search(draw)
            wanted = expected(profiles, search)
            for looked_at, most in ((4, 3), (4, 7), (MANY, 5), (MANY, 500)):
                asked = replace(search, looked_at=looked_at)
                found = await all_pages(reader, space.space, asked, most)
                if search.order_by == "last_item":  # long texts are not told apart
                    assert sorted(found) == sorted(wanted), search
                else:
                    assert found == wanted, search

    for part in range(3):
        for space in (one, other):
            events = [some_event(draw, 40 * part + n) for n in range(40)]
            await space.send(*events, received_at=START)
            await computed(space)
            await check(space, 12)
    await one.send(event("link", START, "user_id:1", "user_id:2"), received_at=START)
    await computed(one)
    await check(one, 10)


async def test_pages_go_on_while_values_change(world: NewWorld, database: Database) -> None:
    space = await space_of(world)
    reader = FeatureSearchReader(database)

    async def sell(price: float, *who: int) -> None:
        await space.send(
            *(
                event(
                    f"{price}-{n}",
                    START,
                    f"user_id:p{n}",
                    name="Bought",
                    properties={"price": price},
                )
                for n in who
            ),
            received_at=START,
        )
        await computed(space)

    async def page(after: str | None) -> tuple[list[str], str]:
        search = FeatureSearch((), None, "revenue", True, after, MANY)
        found = (await reader.find(space.space, search, 2)).customers
        return [each.customer_id for each in found], found[-1].place

    for n in range(6):
        await sell(10 * (6 - n), n)
    ids = {
        int(value.removeprefix("p")): customer
        for value, customer in await space.rows(
            "MATCH (i:Identifier {space: $space})-[:BELONGS_TO]->(c) RETURN i.value, c.id"
        )
    }
    first, end = await page(None)
    await sell(1_000, 1, 4)  # one that was seen, and one that was not
    second, end = await page(end)
    third, _ = await page(end)

    assert first == [ids[0], ids[1]]
    assert (second, third) == ([ids[2], ids[3]], [ids[5]])
    assert (await page(None))[0] == [ids[1], ids[4]]


async def test_what_an_earlier_release_has_stored_is_found_without_any_doing(
    world: NewWorld, database: Database
) -> None:
    draw = random.Random(15)  # noqa: S311
    space = await space_of(world)
    await space.send(*(some_event(draw, n) for n in range(60)), received_at=START)
    await computed(space)
    search = FeatureSearch((), None, "revenue", False, None, MANY)
    reader = FeatureSearchReader(database)
    wanted = expected(await stored(space), search)
    before = await space.rows(LEFT)
    await space.rows(FORGET)
    assert await all_pages(reader, space.space, search, 500) == []

    await computed(space)

    assert await all_pages(reader, space.space, search, 500) == wanted
    assert await space.rows(LEFT) == before
