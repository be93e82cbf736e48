"""A preview tells exactly what putting the policy in force does, and writes nothing."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.policy import Blocked, Policy
from identity_service.domain.preview.partition import Group
from identity_service.domain.preview.preview import PreviewRun
from identity_service.domain.preview.report import CustomerDifference, Preview
from identity_service.domain.resolution.changes import Change
from tests.support.settled import SettledSpace
from tests.support.space import NewWorld, World, policy_text, reported, told_by_some
from tests.support.worlds import LIMITED, Event, dice, events, in_some_worlds, policies

Partition = frozenset[frozenset[Identifier]]

WHOLE_GRAPH = (
    "MATCH (n) WHERE n.space = $space OR n.name = $space OR n.key STARTS WITH $prefix"
    " OPTIONAL MATCH (n)-[r]->(m) WITH n, r, m ORDER BY elementId(r)"
    " RETURN elementId(n) AS id, labels(n), properties(n),"
    " collect([type(r), properties(r), elementId(m)]) ORDER BY id"
)


def blocking(policy: Policy, identifiers: Iterable[Identifier]) -> Policy:
    """The policy, with these and no other values blocked."""
    return replace(
        policy,
        blocked=tuple(Blocked(value=i.value, types=frozenset({i.type})) for i in identifiers),
    )


class Foretold:
    """A preview, and the changes that the ledger would tell."""

    def __init__(self, preview: Preview, changes: list[Change]) -> None:
        self.preview = preview
        self.changes = changes


async def foretell(space: World, policy: Policy) -> Foretold:
    changes: list[Change] = []
    compare = PreviewRun.compare

    def comparing(self: PreviewRun, group: Group) -> list[Change]:
        found = compare(self, group)
        changes.extend(found)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PreviewRun, "compare", comparing)
        found = await space.use_cases.previews.preview(space.scope, policy_text(policy))
    return Foretold(found.preview, changes)


def applied(before: Partition, differences: Iterable[CustomerDifference]) -> Partition:
    """The partition once customers before are replaced by those after."""
    gone = frozenset(frozenset(some) for each in differences for some in each.before)
    come = frozenset(frozenset(some) for each in differences for some in each.after)
    assert gone <= before
    return (before - gone) | come


def told(changes: Iterable[Change], known: Iterable[str]) -> Counter[tuple[Any, ...]]:
    """Changes without the names of what is minted by them."""
    ids = set(known)

    def name(customer: str | None) -> str | None:
        return customer if customer is None or customer in ids else "new"

    return Counter(
        (c.kind.value, name(c.customer_id), name(c.other_id), c.identifiers) for c in changes
    )


def moved(before: SettledSpace, after: SettledSpace) -> int:
    old = {i: customer for customer, some in before.customers.items() for i in some}
    new = {i: customer for customer, some in after.customers.items() for i in some}
    return sum(i in old and old[i] != customer for i, customer in new.items())


async def assert_comes_true(space: World, policy: Policy) -> None:
    """Preview a policy, put it in force, and compare."""
    before, graph = await space.settled(), await space.rows(WHOLE_GRAPH)
    foretold = await foretell(space, policy)
    assert await space.rows(WHOLE_GRAPH) == graph

    await space.set_policy(policy)

    after = await space.check()
    summary, differences = foretold.preview.summary, foretold.preview.differences
    assert applied(before.partition, differences) == after.partition
    known = before.customers.keys() | before.retired.keys()
    written = after.changes[len(before.changes) :]
    assert told(foretold.changes, known) == told(written, known)
    assert summary.ledger == Counter(change.kind for change in written)
    assert summary.customers_before == len(before.customers)
    assert summary.customers_after == len(after.customers)
    assert summary.identifiers_moved == moved(before, after)
    same = {
        c
        for c, some in before.customers.items()
        if after.customers.get(c) == some and after.kinds[c] == before.kinds[c]
        if some & after.contested == some & before.contested
    }
    assert summary.unchanged == len(same)
    alive = {c for each in differences for c in each.customer_ids}
    assert alive <= known
    assert [d.place for d in differences] == sorted(d.place for d in differences)
    assert (await foretell(space, policy)).preview.changes_nothing


@in_some_worlds(6)
@given(events(16), st.lists(policies(), min_size=3, max_size=3), dice)
async def test_what_is_previewed_comes_true_in_any_world(
    world: NewWorld, happened: list[Event], in_turn: list[Policy], draw: random.Random
) -> None:
    space = await world(in_turn[0])
    identifiers = sorted({identifier for _, who in happened for identifier in who})
    todo = reported(happened)
    for policy in in_turn[1:]:
        some = draw.randint(0, len(todo))
        await space.send(*todo[:some])
        todo = todo[some:]
        blocked = draw.sample(identifiers, draw.choice([0, 1, min(3, len(identifiers))]))

        await assert_comes_true(space, blocking(policy, blocked))


@in_some_worlds(6)
@given(events(24), policies(), dice)
async def test_what_is_previewed_of_limited_sources_comes_true(
    world: NewWorld, happened: list[Event], policy: Policy, draw: random.Random
) -> None:
    space = await world(policy)
    for source, each in told_by_some(happened, draw):
        await space.send(each, source=source)

    for limited in (LIMITED, frozenset({"page"}), frozenset[str]()):
        await assert_comes_true(space, replace(policy, limited_sources=limited))
