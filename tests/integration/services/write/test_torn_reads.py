"""What is decided from is read part after part, and others commit in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from identity_service.domain.identifiers import parse_identifier
from identity_service.domain.resolution.subgraph import Subgraph
from identity_service.graph.evidence import EvidenceStore
from tests.support.space import NewWorld, World, beside, event

ANN = "user_id:ann"
OLD, PHONE = "anonymous_id:old", "anonymous_id:phone"

LOAD_SUBGRAPH = EvidenceStore.load_subgraph


async def two_browsers(world: NewWorld) -> World:
    """A space with two customers, of whom the older one stays when they are linked."""
    space = await world()
    await space.send(event("m1", 1, OLD), event("m2", 2, PHONE))
    return space


async def link_while_another_commits(
    space: World, monkeypatch: pytest.MonkeyPatch, seen: Callable[[Subgraph, Subgraph], Subgraph]
) -> None:
    """Link both browsers by what was `seen` of the graph before and after a sign-up elsewhere."""
    other = beside(space, space.database)
    first = True

    async def seen_in_part(*asked: Any, **more: Any) -> Subgraph | None:
        nonlocal first
        before = await LOAD_SUBGRAPH(*asked, **more)
        if first:
            first = False
            await other.send(event("m3", 3, PHONE, ANN))
            after = await LOAD_SUBGRAPH(*asked, **more)
            assert before is not None
            assert after is not None
            before = seen(before, after)
        return before

    monkeypatch.setattr(EvidenceStore, "load_subgraph", seen_in_part)
    await space.send(event("m4", 4, OLD, PHONE))
    space.remember([event("m3", 3, PHONE, ANN)])


async def test_a_commit_of_which_only_the_revision_was_seen_is_found_when_it_is_written(
    world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = await two_browsers(world)

    await link_while_another_commits(
        space, monkeypatch, lambda before, after: replace(before, revisions=after.revisions)
    )

    await space.check()


async def test_a_link_that_was_not_seen_is_found_when_it_is_written(
    world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = await two_browsers(world)

    await link_while_another_commits(
        space,
        monkeypatch,
        lambda before, after: replace(
            before, revisions=after.revisions, member_counts=after.member_counts
        ),
    )

    await space.check()


async def test_a_torn_subgraph_is_read_again_and_then_drafted_again(
    world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = await two_browsers(world)
    loads = 0

    async def torn(*asked: Any, **more: Any) -> Subgraph | None:
        nonlocal loads
        loads += 1
        found = await LOAD_SUBGRAPH(*asked, **more)
        return replace(found, torn=loads <= 5) if found else None

    monkeypatch.setattr(EvidenceStore, "load_subgraph", torn)
    await space.send(event("m3", 3, OLD, PHONE))

    await space.check()
    assert loads == 6


async def test_a_reader_takes_a_torn_subgraph_as_it_is(
    world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = await two_browsers(world)

    async def torn(*asked: Any, **more: Any) -> Subgraph | None:
        found = await LOAD_SUBGRAPH(*asked, **more)
        return replace(found, torn=True) if found else None

    monkeypatch.setattr(EvidenceStore, "load_subgraph", torn)
    view = space.use_cases.customers.current(space.scope)
    component = await view.component_of(parse_identifier(PHONE))

    assert component is not None
    assert component.evidence.identifiers == [parse_identifier(PHONE)]


async def lose(space: World, identifier: str) -> None:
    """Leave an identifier to a retired id, as a torn read did before it was found out."""
    await space.rows(
        "MATCH (c:Customer)<-[:BELONGS_TO]-(:Identifier {key: $prefix + $name})"
        " REMOVE c:Customer SET c:RetiredId",
        name=identifier,
    )


async def test_an_event_gives_a_customer_to_an_identifier_that_was_left_to_a_retired_id(
    world: NewWorld,
) -> None:
    space = await two_browsers(world)
    before = await space.check()
    await lose(space, PHONE)

    await space.send(event("m3", 3, PHONE, ANN))

    after = await space.check()
    assert after.customer_of(ANN) == before.customer_of(PHONE)


async def test_what_is_marked_as_blocked_still_is_written_about_when_the_policy_lets_it_through(
    world: NewWorld,
) -> None:
    space = await world()
    await space.send(event("m1", 1, PHONE, ANN))
    # So it is until the rollout of a policy that does not block it any more comes here.
    await space.rows("MATCH (i:Identifier {key: $prefix + $name}) SET i:Blocked", name=PHONE)

    await space.send(event("m2", 2, PHONE, OLD))

    assert await space.rows("MATCH (e:Event {space: $space}) RETURN count(e)") == [[2]]
