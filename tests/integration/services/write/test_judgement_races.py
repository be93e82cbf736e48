"""A judgement, and in another process the first sighting of what it speaks of."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import pytest

from identity_service.domain.judgements import OF_TWO, Verdict
from identity_service.errors import FieldInvalid
from identity_service.graph.evidence import (
    WRITE_NEW_CUSTOMERS,
    WRITE_SETTLEMENT,
    EvidenceStore,
    Written,
)
from identity_service.graph.statements import Statement
from identity_service.graph.write_rows import (
    SettlementWrite,
    new_customer_rows,
    settlement_rows,
)
from identity_service.services.write.novelty import Novelty
from tests.support.space import NewWorld, World, beside, event
from tests.support.waiting import until

ANN, PHONE = "user_id:ann", "anonymous_id:phone"

Act: TypeAlias = Callable[[], Awaitable[Any]]

Way: TypeAlias = tuple[str, Statement, Callable[[SettlementWrite], Mapping[str, Any]]]
"""How new identifiers are written: a method of the store, its statement, and its rows."""


def act_after_first(patch: pytest.MonkeyPatch, name: str, act: Act) -> None:
    """Have something happen right after a store method was called for the first time."""
    method = getattr(EvidenceStore, name)
    acted = False

    async def and_act(*asked: Any, **more: Any) -> Any:
        nonlocal acted
        answer = await method(*asked, **more)
        if not acted:
            acted = True
            await act()
        return answer

    patch.setattr(EvidenceStore, name, and_act)


@pytest.fixture
def always_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The graph is asked about all that is not known."""

    def is_likely(*_: Any) -> bool:
        return False

    monkeypatch.setattr(Novelty, "is_likely", is_likely)


async def two_processes(world: NewWorld) -> tuple[World, World]:
    """A space in which Ann was seen and the phone was not, twice."""
    space = await world()
    await space.send(event("m1", 1, ANN))
    return space, beside(space, space.database)


async def bring_phone(space: World, verdict: Verdict) -> None:
    """The first sighting of the phone, where the judgement decides what becomes of it."""
    await space.send(event("m2", 2, *([PHONE] if verdict is Verdict.SAME else [PHONE, ANN])))


async def is_one(space: World) -> bool:
    """Whether Ann and the phone are one customer; the whole space is checked on the way."""
    found = await space.check_after_a_race()
    return found.customer_of(ANN) == found.customer_of(PHONE)


@pytest.mark.usefixtures("always_asks")
@pytest.mark.parametrize("verdict", OF_TWO)
async def test_a_judgement_that_is_made_while_its_identifier_is_being_written_applies(
    world: NewWorld, monkeypatch: pytest.MonkeyPatch, verdict: Verdict
) -> None:
    space, other = await two_processes(world)

    act_after_first(monkeypatch, "read_known", lambda: other.judge(verdict, ANN, PHONE))
    await bring_phone(space, verdict)

    assert await is_one(space) == (verdict is Verdict.SAME)


@pytest.mark.parametrize("verdict", OF_TWO)
async def test_an_identifier_that_comes_while_it_is_being_judged_is_found(
    world: NewWorld, monkeypatch: pytest.MonkeyPatch, verdict: Verdict
) -> None:
    space, other = await two_processes(world)

    act_after_first(monkeypatch, "read_known", lambda: bring_phone(other, verdict))
    _, changes = await space.judge(verdict, ANN, PHONE)

    assert await is_one(space) == (verdict is Verdict.SAME)
    assert [change.kind for change in changes] == ["MERGED" if verdict is Verdict.SAME else "SPLIT"]


@pytest.mark.usefixtures("always_asks")
@pytest.mark.parametrize("verdict", OF_TWO)
async def test_a_judgement_withdrawn_while_its_identifier_is_being_written_is_gone(
    world: NewWorld, monkeypatch: pytest.MonkeyPatch, verdict: Verdict
) -> None:
    space, other = await two_processes(world)
    made, _ = await space.judge(verdict, ANN, PHONE)

    act_after_first(monkeypatch, "read_known", lambda: other.withdraw(made))
    await bring_phone(space, verdict)

    assert await is_one(space) == (verdict is Verdict.APART)


@pytest.mark.parametrize("verdict", OF_TWO)
async def test_an_identifier_that_comes_while_its_judgement_is_withdrawn_is_let_go(
    world: NewWorld, monkeypatch: pytest.MonkeyPatch, verdict: Verdict
) -> None:
    space, other = await two_processes(world)
    made, _ = await space.judge(verdict, ANN, PHONE)

    act_after_first(monkeypatch, "read_known", lambda: bring_phone(other, verdict))
    await space.withdraw(made)

    assert await is_one(space) == (verdict is Verdict.APART)


ASKED = ("write_settlement", WRITE_SETTLEMENT, settlement_rows)
UNASKED = ("write_new_customers", WRITE_NEW_CUSTOMERS, new_customer_rows)


@pytest.mark.parametrize(
    ("way", "withdrawn"),
    # An identifier that a judgement waits for is never written without asking.
    [(ASKED, False), (ASKED, True), (UNASKED, False)],
    ids=["asked-made", "asked-withdrawn", "unasked-made"],
)
async def test_an_identifier_that_is_written_but_not_committed_is_waited_for(
    request: pytest.FixtureRequest,
    world: NewWorld,
    monkeypatch: pytest.MonkeyPatch,
    way: Way,
    *,
    withdrawn: bool,
) -> None:
    space, other = await two_processes(world)
    made = (await space.judge(Verdict.SAME, ANN, PHONE))[0] if withdrawn else None
    method, statement, rows = way
    write, running, commit = getattr(EvidenceStore, method), asyncio.Event(), asyncio.Event()

    async def held(self: EvidenceStore, what: SettlementWrite) -> Written | None:
        if running.is_set():
            return await write(self, what)
        async with space.database.transaction(statement.name) as transaction:
            row = await transaction.run_one(statement, w=rows(what))
            running.set()
            await commit.wait()
        return Written(row["last_position"]) if row and row["written"] else None

    async def is_on_record() -> bool:
        """Or waits for a lock that the open transaction holds."""
        found = await space.rows(
            "MATCH (j:Judgement {space: $space}) WHERE (j.withdrawn_at IS NOT NULL) = $withdrawn"
            " RETURN j.id",
            withdrawn=withdrawn,
        )
        writing = await space.rows(
            "SHOW TRANSACTIONS YIELD metaData WHERE metaData.name STARTS WITH 'ingest/write_'"
            " RETURN metaData"
        )
        return bool(found) or len(writing) > 1

    monkeypatch.setattr(EvidenceStore, method, held)
    if way is ASKED:
        request.getfixturevalue("always_asks")
    sending = asyncio.ensure_future(space.send(event("m2", 2, PHONE)))
    await running.wait()
    judging = asyncio.ensure_future(
        other.withdraw(made) if made else other.judge(Verdict.SAME, ANN, PHONE)
    )
    await until(is_on_record)
    commit.set()
    await asyncio.gather(sending, judging)

    assert await is_one(space) == (not withdrawn)


@pytest.mark.parametrize("seen", [(), (ANN,), (ANN, PHONE)], ids=["none", "one", "both"])
async def test_of_two_that_withdraw_one_judgement_at_once_one_is_refused(
    world: NewWorld, monkeypatch: pytest.MonkeyPatch, seen: tuple[str, ...]
) -> None:
    space = await world()
    await space.send(*(event(f"m{n}", n, who) for n, who in enumerate(seen)))
    other = beside(space, space.database)
    made, _ = await space.judge(Verdict.SAME, ANN, PHONE)

    act_after_first(monkeypatch, "read_known", lambda: other.withdraw(made))
    with pytest.raises(FieldInvalid, match="withdrawn before"):
        await space.use_cases.judgements.withdraw(space.scope, made.id, "I was slower.")

    await space.check_after_a_race()
    assert await space.rows("MATCH (j:Judgement {space: $space}) RETURN j.withdrawn_reason") == [
        ["The test says so."]
    ]


async def test_judgements_that_wait_are_not_felt_by_those_who_bring_nothing_new(
    world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    space, other = await two_processes(world)
    await space.send(event("m2", 2, "anonymous_id:tablet"))
    writes = 0
    write = EvidenceStore.write_settlement

    async def counted(*asked: Any) -> Written | None:
        nonlocal writes
        writes += 1
        return await write(*asked)

    act_after_first(monkeypatch, "read_known", lambda: other.judge(Verdict.SAME, ANN, PHONE))
    monkeypatch.setattr(EvidenceStore, "write_settlement", counted)
    await space.send(event("m3", 3, ANN, "anonymous_id:tablet"))

    await space.check_after_a_race()
    assert writes == len(["the judgement's", "the event's"])
