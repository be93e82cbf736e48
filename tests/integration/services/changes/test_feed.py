"""Positions follow the order of commits without a gap, and ledgers are followed by them."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any, cast

import pytest

from identity_service.domain.judgements import Verdict
from identity_service.domain.policies.parse import parse_policy
from identity_service.domain.policies.policy import Policy
from identity_service.domain.recorded import RecordedChange
from identity_service.errors import StatementFailed
from identity_service.graph.database import Database
from identity_service.graph.ledger import (
    FOLLOW_CHANGES_OF_KINDS,
    LIST_CHANGES_OF_KINDS,
    LedgerReader,
)
from identity_service.graph.schema import NUMBER_CHANGES
from identity_service.services.changes import feed
from identity_service.services.kit import background
from tests.support.space import NewWorld, World, beside, event

POLICY: Policy = parse_policy("extends: quarantine")


async def visits(space: World, prefix: str, number: int) -> None:
    await space.send(*(event(f"{prefix}{n}", n, f"user_id:{prefix}{n}") for n in range(number)))


async def positions(space: World) -> list[int]:
    rows = await space.rows(
        "MATCH (c:Change {space: $space}) RETURN c.position AS position ORDER BY position"
    )
    return [position for [position] in rows]


async def test_positions_have_no_gap_whoever_writes(world: NewWorld) -> None:
    space = await world(POLICY)
    other = beside(space, space.database)

    for turn in range(5):
        await asyncio.gather(visits(space, f"a{turn}-", 3), visits(other, f"b{turn}-", 3))
    made, _ = await space.judge(Verdict.SAME, "user_id:a0-0", "user_id:b0-0")
    await space.withdraw(made)

    found = await positions(space)
    assert found == list(range(1, len(found) + 1))
    assert len(found) == 32


async def test_changes_of_a_judgement_say_where_they_stand(world: NewWorld) -> None:
    space = await world(POLICY)
    await visits(space, "a", 2)

    _, changes = await space.judge(Verdict.SAME, "user_id:a0", "user_id:a1")

    assert [change.position for change in changes] == [3]


async def test_one_who_reads_slowly_misses_nothing_and_holds_nobody_up(
    world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "RECENT", 8)
    monkeypatch.setattr(feed, "PAGE", 3)
    space = await world(POLICY)
    changes = space.use_cases.following.changes

    async with (
        asyncio.timeout(60),
        aclosing(changes(space.scope, None, 0)) as slow,
        # From 0 as well: whoever follows from now on may begin after the first change.
        aclosing(changes(space.scope, None, 0)) as quick,
    ):
        waiting = asyncio.ensure_future(anext(quick))
        await visits(space, "first", 1)
        heard, told = [(await anext(slow)).position], [(await waiting).position]
        for turn in range(4):
            await visits(space, f"u{turn}-", 10)
            told += [(await anext(quick)).position for _ in range(10)]
        heard += [(await anext(slow)).position for _ in range(40)]

    assert told[1:] == list(range(told[0] + 1, 42))
    assert heard == list(range(1, 42))


class FailsTwice(LedgerReader):
    """A reader that a defect hits twice, once when it begins and once when it reads on."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._begins = self._reads_on = True

    async def last_position(self, space: str) -> int:
        if self._begins:
            self._begins = False
            raise StatementFailed("A defect.")
        return await super().last_position(space)

    async def changes_after(self, space: str, after: int, most: int) -> list[RecordedChange]:
        if self._reads_on:
            self._reads_on = False
            raise StatementFailed("A defect.")
        return await super().changes_after(space, after, most)


async def test_an_error_does_not_end_the_feed(
    world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "FIRST_PAUSE_S", 0.01)
    space = await world(POLICY)
    following = feed.Feed(FailsTwice(space.database))

    async with (
        asyncio.timeout(60),
        aclosing(following.changes(space.scope, None, 0)) as changes,
    ):
        await visits(space, "u", 3)
        heard = [(await anext(changes)).position for _ in range(3)]

    assert heard == [1, 2, 3]


async def test_changes_that_had_no_position_are_numbered_once_by_their_ids(
    world: NewWorld,
) -> None:
    space = await world(POLICY)
    await visits(space, "a", 5)
    before = await space.rows("MATCH (c:Change {space: $space}) RETURN c.id ORDER BY c.position")
    await space.rows("MATCH (c:Change {space: $space}) REMOVE c.position")
    await space.rows("MATCH (s:Space {name: $space}) REMOVE s.last_position")

    for _ in range(2):
        await space.database.write_all(NUMBER_CHANGES)
    await visits(space, "b", 1)

    after = await space.rows("MATCH (c:Change {space: $space}) RETURN c.id ORDER BY c.position")
    assert await positions(space) == [1, 2, 3, 4, 5, 6]
    assert after[:5] == sorted(before)


async def test_a_rare_kind_is_found_without_reading_the_others(world: NewWorld) -> None:
    space = await world(POLICY)
    await space.rows(
        "UNWIND range(1, 3000) AS n CREATE (:Change {space: $space, position: n, id: $space + n,"
        " kind: CASE n WHEN 2 THEN 'ERASED' ELSE 'CREATED' END})"
    )

    w = {
        "space": space.space,
        "kinds": ["CREATED", "ERASED"],
        "before": 9_999,
        "after": 0,
        "until": 9_999,
        "most": 5,
    }
    for listed in (LIST_CHANGES_OF_KINDS, FOLLOW_CHANGES_OF_KINDS):
        async with space.driver.session() as session:  # pyright: ignore[reportUnknownMemberType]
            result = await session.run("PROFILE " + listed.definition.text, w=w)
            plan = cast("Any", await result.consume()).profile
        assert _hits(plan) < 300, listed.name


def _hits(plan: dict[str, Any]) -> int:
    return plan["args"].get("DbHits", 0) + sum(map(_hits, plan.get("children", ())))
