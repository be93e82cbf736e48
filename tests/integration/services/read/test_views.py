"""One contract, two views: as of now, every method answers what it answers of the present."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest

from identity_service.domain.events import EventOrder
from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Verdict
from identity_service.domain.profiles.evaluate import evaluate
from identity_service.domain.profiles.parse import parse_profiles
from identity_service.domain.recorded import (
    DecidedLink,
    Page,
    RecordedEvent,
    SeenIdentifier,
    SettledCustomer,
)
from identity_service.errors import NotFound
from identity_service.graph.customers import NEWEST, OLDEST, EventWindow
from identity_service.graph.keys import identifier_key
from identity_service.graph.ledger import NEWEST as NEWEST_ID
from identity_service.graph.ledger import NEWEST_CHANGE
from identity_service.services.kit.clock import system_clock
from identity_service.services.read.as_of.view import AsOfView
from identity_service.services.read.current import CurrentView
from identity_service.services.read.view import CustomerAnswer, CustomerView, Missing
from tests.support.space import NewWorld, World, event

DAY_MS = 86_400_000
ALWAYS = 2**62

POLICY = """
types:
  user_id: {priority: 1, kind: person, limit: 1}
  email: {priority: 2, kind: person, limit: 2, normalise: email}
  cookie: {priority: 9, kind: device, shared: quarantine}
blocked: [{value: test, types: [email]}]
"""

ANN, BEN = Identifier("user_id", "ann"), Identifier("user_id", "ben")
PHONE, NOBODY = Identifier("cookie", "phone"), Identifier("cookie", "nobody")
RAW = (
    Identifier("email", " Ann@Example.com "),
    ANN,
    BEN,
    PHONE,
    NOBODY,
    Identifier("email", "test"),
    Identifier("user_id", ""),
)

PROFILES = parse_profiles(
    "features: {paid: {sum: sum, of: Paid}, seen: {count: any}, last: {last_at: any}}\n"
    "audiences: {pro: {who: {trait: plan, is: pro}}, emailed: {who: {has: email}}}\n"
)

WINDOWS = (
    EventWindow(None, -ALWAYS, ALWAYS, newest_first=True, after=NEWEST),
    EventWindow(["Paid"], -ALWAYS, ALWAYS, newest_first=False, after=OLDEST),
    EventWindow(
        None, DAY_MS, 6 * DAY_MS, newest_first=False, after=EventOrder(6 * DAY_MS, 0, 0, "")
    ),
    EventWindow(
        None, DAY_MS, 2 * DAY_MS, newest_first=True, after=EventOrder(2 * DAY_MS, 2**53, 0, "")
    ),
)


@dataclass(frozen=True)
class Records:
    """What there is to ask about, as the view of now answers it. `retired`: an id that forwards."""

    customer: SettledCustomer
    retired: str
    identifiers: list[SeenIdentifier]
    events: list[RecordedEvent]
    links: list[DecidedLink]


Ask = Callable[[CustomerView, Records], Awaitable[Any]]


def settled(answer: CustomerAnswer | None) -> CustomerAnswer | None:
    """An answer without what the receipt says of the way to it."""
    if isinstance(answer, SettledCustomer):
        return replace(answer, revision=0, settled_at=0, as_of=None)
    return answer


async def find(view: CustomerView, _: Records) -> Any:
    return [settled(await view.find(identifier)) for identifier in RAW]


async def find_by_id(view: CustomerView, records: Records) -> Any:
    ids = (records.customer.customer_id, records.retired, "cus_of_nobody")
    return [settled(await view.find_by_id(customer_id)) for customer_id in ids]


async def customer_of(view: CustomerView, records: Records) -> Any:
    return [settled(await view.customer_of(identifier)) for identifier in records.identifiers]


async def identifiers(view: CustomerView, records: Records) -> Any:
    space = view.scope.space
    keys = [identifier.key for identifier in records.identifiers]
    return await view.identifiers([*keys, identifier_key(space, NOBODY)])


async def link_count(view: CustomerView, records: Records) -> Any:
    return [await view.link_count(identifier) for identifier in records.identifiers]


async def links_over_time(view: CustomerView, records: Records) -> Any:
    return [
        await view.links_over_time(identifier, first)
        for identifier in records.identifiers
        for first in (1, 100)
    ]


async def links_by_source(view: CustomerView, records: Records) -> Any:
    return [
        await view.links_by_source(identifier, first)
        for identifier in records.identifiers
        for first in (1, 100)
    ]


async def shared_by(view: CustomerView, records: Records) -> Any:
    return [
        list(map(settled, await view.shared_by(identifier, first)))
        for identifier in records.identifiers
        for first in (1, 100)
    ]


async def previous_ids(view: CustomerView, records: Records) -> Any:
    return list(await view.previous_ids(records.customer))


async def traits(view: CustomerView, records: Records) -> Any:
    return await view.traits(records.customer)


async def accounts(view: CustomerView, records: Records) -> Any:
    return await view.accounts(records.customer)


async def events(view: CustomerView, records: Records) -> Any:
    return [await view.events(records.customer, window, 3) for window in WINDOWS]


async def event_count(view: CustomerView, records: Records) -> Any:
    return await view.event_count(records.customer)


async def event_identifiers(view: CustomerView, records: Records) -> Any:
    return [await view.event_identifiers(each) for each in records.events]


async def links(view: CustomerView, records: Records) -> Any:
    return [await view.links(records.customer, first) for first in (1, 100)]


async def example_event(view: CustomerView, records: Records) -> Any:
    return [await view.example_event(link) for link in records.links]


async def shared_devices(view: CustomerView, records: Records) -> Any:
    return await view.shared_devices(records.customer, 100)


async def health(view: CustomerView, records: Records) -> Any:
    return await view.health(records.customer)


async def changes(view: CustomerView, records: Records) -> Any:
    newest = await view.changes(records.customer, NEWEST_CHANGE, 2)
    return newest, await view.changes(records.customer, newest.items[-1].position, 100)


async def judgements(view: CustomerView, records: Records) -> Any:
    return await view.judgements(records.customer, NEWEST_ID, 100)


async def profile_evidence(view: CustomerView, records: Records) -> Any:
    now = 100 * DAY_MS
    found = await view.profile_evidence(records.customer, now, with_accounts=False)
    return evaluate(PROFILES, found, now)


ASKED: Mapping[str, Ask] = {
    ask.__name__: ask
    for ask in (
        find,
        find_by_id,
        customer_of,
        identifiers,
        link_count,
        links_over_time,
        links_by_source,
        shared_by,
        previous_ids,
        traits,
        accounts,
        events,
        event_count,
        event_identifiers,
        links,
        example_event,
        shared_devices,
        health,
        changes,
        judgements,
        profile_evidence,
    )
}
"""By method of `CustomerView`: everything that the contract is held by."""


def account(plan: str) -> dict[str, Any]:
    return {"account_id": "acme", "account_traits": {"plan": plan}}


@pytest.fixture(scope="module")
async def space(world: NewWorld) -> World:
    """Ann on two browsers and a phone that she shares with Ben; her first visit had an id."""
    space = await world(POLICY)
    received = system_clock()
    for happened in (
        event("1", 1, "cookie:old"),
        event("2", 2, "user_id:ann", name="Paid", properties={"sum": 3}),
        event("3", DAY_MS, "user_id:ann", "cookie:old", traits={"plan": "free"}),
        event("4", 2 * DAY_MS, "user_id:ann", "email:ann@example.com", "cookie:new"),
        event("5", 2 * DAY_MS, "user_id:ann", "cookie:phone", account_id="acme"),
        event("6", 3 * DAY_MS, "user_id:ben", "cookie:phone", account_traits={"size": 4}),
        event("7", 4 * DAY_MS, "user_id:ann", "cookie:new", name="Paid", traits={"plan": "pro"}),
        event("8", 5 * DAY_MS, "email:home@example.com", context_traits={"city": "x"}),
    ):
        await space.send(happened, received_at=received)
    # Of one moment: two in one request, and one that was received before them.
    await space.send(
        event("b", 6 * DAY_MS, "user_id:ann", place=0, traits={"tie": "first"}, **account("z")),
        event(
            "a",
            6 * DAY_MS,
            "user_id:ann",
            place=1,
            traits={"tie": "last", "older": "no"},
            **account("a"),
        ),
        received_at=received,
    )
    await space.send(
        event(
            "z",
            6 * DAY_MS,
            "user_id:ann",
            place=9,
            traits={"tie": "earlier", "older": "yes"},
            **account("y"),
        ),
        received_at=received - 1,
    )
    await space.judge(Verdict.SAME, "user_id:ann", "email:home@example.com")
    return space


@pytest.fixture(scope="module")
async def records(space: World) -> Records:
    view = current(space)
    customer = await view.find(ANN)
    assert isinstance(customer, SettledCustomer)
    phone = await view.shared_devices(customer, 10)
    page = await view.events(customer, WINDOWS[0], 100)
    return Records(
        customer=customer,
        retired=(await view.previous_ids(customer))[0],
        identifiers=[*customer.identifiers, *phone],
        events=list(page.items),
        links=await view.links(customer, 100),
    )


def current(space: World) -> CurrentView:
    return space.use_cases.customers.current(space.scope)


async def as_of(space: World, moment: int) -> AsOfView:
    view = await space.use_cases.customers.as_of(space.scope, moment)
    assert isinstance(view, AsOfView)
    return view


async def test_events_of_one_moment_go_by_receipt_then_by_place(
    space: World, records: Records
) -> None:
    view = current(space)

    newest = [event.message_id for event in records.events[:3]]
    told = {trait.name: trait.value for trait in (await view.traits(records.customer)).items}

    [acme] = await view.accounts(records.customer)
    assert newest == ["a", "b", "z"]
    assert acme.traits["plan"] == "a"
    assert (told["tie"], told["older"]) == ("last", "no")


def holds_something(answer: Any) -> bool:
    """Whether an answer is not only empty lists and nothing."""
    if isinstance(answer, Page):
        return bool(cast("Page[Any]", answer).items)
    if isinstance(answer, list | tuple):
        return any(map(holds_something, cast("Sequence[Any]", answer)))
    return bool(answer)


def test_the_contract_is_asked_about_every_method() -> None:
    methods = {name for name in vars(CustomerView) if not name.startswith("_")}

    assert {*ASKED} == methods - {"scope"}


@pytest.mark.parametrize("method", ASKED)
async def test_as_of_now_a_method_answers_what_it_answers_of_the_present(
    space: World, records: Records, method: str
) -> None:
    ask = ASKED[method]

    answered = await ask(current(space), records)

    assert holds_something(answered)
    assert await ask(await as_of(space, system_clock()), records) == answered


async def test_a_customer_that_another_view_found_is_asked_about_as_it_was(
    world: NewWorld,
) -> None:
    space = await world(POLICY)
    received = system_clock()
    await space.send(event("1", 1, "user_id:ann", "cookie:old"), received_at=received)
    await space.send(event("2", 2, "user_id:ann", "cookie:new"), received_at=received + 60_000)
    customer = await current(space).find(ANN)
    assert isinstance(customer, SettledCustomer)
    then = await as_of(space, received)

    answers = await then.event_count(customer), len(await then.links(customer, 10))

    assert answers == (1, 1)
    assert await current(space).event_count(customer) == 2


async def test_a_customer_that_was_not_there_yet_is_not_found(world: NewWorld) -> None:
    space = await world(POLICY)
    before = system_clock()
    await space.send(event("1", 1, "user_id:ann"), received_at=before + 60_000)
    customer = await current(space).find(ANN)
    assert isinstance(customer, SettledCustomer)
    then = await as_of(space, before)

    for ask in (then.previous_ids, then.traits, then.accounts, then.event_count, then.health):
        with pytest.raises(NotFound, match="only since"):
            await ask(customer)


async def test_a_space_that_was_not_there_yet_has_no_view(world: NewWorld) -> None:
    before = system_clock()
    space = await world(POLICY)

    view = await space.use_cases.customers.as_of(space.scope, before - 60_000)

    assert isinstance(view, Missing)
