"""Spaces whose profiles are computed, and what is stored of them."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, LiteralString, NamedTuple

from identity_service.domain.events import EventOrder
from identity_service.domain.judgements import Verdict
from identity_service.domain.policies.policy import Blocked, Policy
from identity_service.domain.profiles.evaluate import evaluate
from identity_service.domain.profiles.occurrences import CustomerEvidence, ProfileEvent
from identity_service.domain.profiles.parse import parse_profiles
from identity_service.domain.resolution.id_register import CustomerKind
from identity_service.errors import FieldInvalid
from identity_service.services.profiles.computation import values_text
from tests.support.space import PATIENCE, SOURCE, World

HOUR = 3_600_000
DAY = 24 * HOUR

PROFILES: LiteralString = """
MATCH (p:Profile {space: $space})
RETURN p.customer_id, p.version, p.values, p.audiences, p.due,
  COLLECT { MATCH (p)<-[:HAS_PROFILE]-(c:Customer) RETURN c.id }
"""

MEMBERSHIPS: LiteralString = """
MATCH (m:Membership {space: $space}) RETURN m.audience, coalesce(m.customer_id, m.account_id), m.key
"""

CHANGES: LiteralString = """
MATCH (m:MembershipChange {space: $space})
RETURN m.position, m.audience, coalesce(m.customer_id, m.account_id), m.change, m.cause,
  m.`from`, m.first, m.starts_campaigns, m.at
ORDER BY m.position
"""

MARKS: LiteralString = """
CALL () { MATCH (i:Identifier {space: $space}) WHERE i.touched IS NOT NULL RETURN count(i) AS n
  UNION ALL MATCH (p:Profile {space: $space}) WHERE p.touched IS NOT NULL RETURN count(p) AS n
  UNION ALL MATCH (p:AccountProfile {space: $space}) WHERE p.touched IS NOT NULL
    RETURN count(p) AS n }
RETURN sum(n)
"""

EVENTS: LiteralString = """
MATCH (c:Customer {space: $space})
RETURN c.id, c.kind, COLLECT { MATCH (c)<-[:BELONGS_TO]-(i) RETURN i.type },
  COLLECT { MATCH (c)<-[:BELONGS_TO]-()<-[:ATTRIBUTED_TO]-(e:Event)
    RETURN [e.at, e.received_at, coalesce(e.place, 0), e.key, e.message_id, e.name, e.properties,
      e.source] }
"""


class FakeClock:
    """A clock that a test sets, in milliseconds since 1970."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        """The time."""
        return self.now


class Change(NamedTuple):
    """A change of a membership, as it is stored."""

    position: int
    audience: str
    customer_id: str
    change: str
    cause: str
    from_customer: str | None
    first: bool
    starts_campaigns: bool
    at: int


@dataclass(frozen=True)
class StoredProfiles:
    """All profiles of a space by customer id: values and audiences; and the memberships."""

    values: Mapping[str, Mapping[str, Any]]
    audiences: Mapping[str, list[str]]
    memberships: set[tuple[str, str]]


async def apply_text(space: World, text: str, version: int = 0) -> None:
    """Put a text in force; returns when all customers are computed by it."""
    await space.use_cases.profile_texts.apply(space.scope, text, version, None)
    await computed(space)


async def computed(space: World) -> None:
    """Return when nothing waits to be computed."""
    async with asyncio.timeout(PATIENCE):
        await space.use_cases.profiles.computed(space.scope)


async def stored(space: World) -> StoredProfiles:
    """What is stored."""
    rows = await space.rows(PROFILES)
    return StoredProfiles(
        {
            row[0]: {name: each["value"] for name, each in json.loads(row[2]).items()}
            for row in rows
        },
        {row[0]: row[3] for row in rows},
        {(audience, customer) for audience, customer, _ in await space.rows(MEMBERSHIPS)},
    )


async def changes(space: World) -> list[Change]:
    """The stream of memberships."""
    return [Change(*row) for row in await space.rows(CHANGES)]


async def check_profiles(space: World, text: str, now: int) -> StoredProfiles:
    """What is stored is what the pure function says; returns it. Traits are left out of it."""
    profiles = parse_profiles(text)
    expected: dict[str, tuple[str, list[str]]] = {}
    for customer, kind, types, events in await space.rows(EVENTS):
        evidence = CustomerEvidence(
            customer,
            CustomerKind(kind),
            [
                ProfileEvent(
                    EventOrder(at, received, place, key),
                    message_id,
                    "track",
                    name,
                    name,
                    said,
                    source=source,
                )
                for at, received, place, key, message_id, name, said, source in events
            ],
            identifier_types=frozenset(types),
        )
        found = evaluate(profiles, evidence, now)
        expected[customer] = (values_text(found.features), sorted(found.audiences))
    rows = await space.rows(PROFILES)
    assert {row[0]: (row[2], row[3]) for row in rows} == expected
    assert all(owner == [customer] for customer, *_, owner in rows)
    assert await space.rows(MARKS) == [[0]]
    found = await stored(space)
    assert found.memberships == {
        (audience, customer) for customer, (_, some) in expected.items() for audience in some
    }
    assert replayed(await changes(space)) == found.memberships
    checked = await space.use_cases.profile_checks.check(space.scope)
    assert checked is not None
    assert checked.is_sound
    assert not checked.waiting
    return found


def replayed(stream: list[Change]) -> set[tuple[str, str]]:
    """The sets that are left of a stream; each change in it changes something."""
    members: set[tuple[str, str]] = set()
    for number, each in enumerate(stream, 1):
        assert each.position == number
        key = (each.audience, each.customer_id)
        assert (key in members) == (each.change == "left"), each
        members ^= {key}
    return members


async def whatever_happens(
    space: World,
    clock: FakeClock,
    draw: random.Random,
    *,
    steps: int,
    policy: Policy,
    names: Sequence[str],
    some_events: Callable[[str], list[Any]],
) -> None:
    """So many times, something is sent, judged, taken back, or time passes.

    Profiles are computed now and then. `some_events` takes what their message ids begin with.
    """
    sent: list[Any] = []
    for step in range(steps):
        chance = draw.random()
        if chance < 0.6:
            some = some_events(f"m{step}")
            if sent and draw.random() < 0.3:
                some.append(draw.choice(sent))
            sent += some
            await space.send(*some, received_at=clock.now)
        elif chance < 0.7:
            await space.judge(draw.choice([Verdict.SAME, Verdict.APART]), *draw.sample(names, 2))
        elif chance < 0.8 and space.judged:
            await space.withdraw(draw.choice(list(space.judged.values())))
        elif chance < 0.83 and sent:
            one = draw.choice(sent)
            with suppress(FieldInvalid):  # it was taken before, or is blocked
                await space.detach(one.message_id, draw.choice(one.identifiers))
        elif chance < 0.86:
            if space.retracted:
                await space.give_back(next(iter(space.retracted.values())))
            else:
                with suppress(FieldInvalid):  # nothing was received in that time
                    await space.retract(SOURCE, clock.now - 2 * DAY, clock.now)
        elif chance < 0.9:
            blocked = draw.choice([(), (Blocked(value="1"),), (Blocked(value="x"),)])
            await space.set_policy(replace(policy, blocked=blocked))
        else:
            clock.now += draw.choice([1, HOUR, 2 * HOUR, DAY - 1, DAY])
        if draw.random() < 0.4:
            await computed(space)
    await computed(space)
