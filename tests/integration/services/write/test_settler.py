"""A proposal is written as a whole, by what is known when it is written, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.policies.policy import Policy, Rule, Sharing
from identity_service.domain.resolution.changes import ChangeKind
from identity_service.domain.resolution.subgraph import NewEvidence
from identity_service.graph.evidence import EvidenceStore
from identity_service.graph.keys import identifier_of
from identity_service.graph.policies import PolicyStore
from identity_service.graph.write_rows import EvidenceWrite
from identity_service.services.kit.clock import Ids, system_clock
from identity_service.services.resolution.component_resolver import (
    ComponentResolver,
    ResolutionRequest,
    Starts,
)
from identity_service.services.spaces.policies import Policies, PolicyInForce
from identity_service.services.write.settler import (
    Applied,
    Draft,
    OverConnected,
    Proposal,
    Settler,
    Superseded,
)
from identity_service.services.write.space_locks import SpaceLocks
from tests.support.space import NewWorld, World, beside, event

ANN, BOB = Identifier("cookie", "ann"), Identifier("cookie", "bob")
PHONE, TABLET = Identifier("cookie", "phone"), Identifier("cookie", "tablet")

MERGING = Policy({"cookie": Rule(1, IdentifierKind.DEVICE, shared=Sharing.MERGE)}, max_component=3)

Confirm = Callable[[], Awaitable[None]]


class KeepsUnsettled(Draft):
    """Its evidence is written also where the component is over-connected."""

    def keeps_unsettled(self) -> bool:
        return True


def settler_of(space: World) -> Settler:
    """A settler of its own, as another process would have it."""
    store = EvidenceStore(space.database)
    return Settler(
        store,
        ComponentResolver(store),
        Policies(PolicyStore(space.database)),
        SpaceLocks(),
        system_clock,
        Ids(system_clock),
    )


def linking(
    new: Identifier,
    known: Identifier,
    *,
    confirm: Confirm | None = None,
    drafted: type[Draft] = Draft,
) -> Proposal[Draft]:
    """A proposal to link a new identifier with one that is known."""

    async def draft(_: PolicyInForce) -> Draft:
        evidence = NewEvidence()
        first, second = sorted((new, known))
        evidence.add((first, second), 5, "shop")
        return drafted(
            evidence=EvidenceWrite(
                identifiers={new: evidence.identifiers[new]},
                known_identifiers={known: evidence.identifiers[known]},
                links=evidence.links,
                deferred={new: "event:test"} if drafted is KeepsUnsettled else {},
            ),
            request=ResolutionRequest(Starts(plain=frozenset({known})), evidence),
            confirm=confirm,
            cause="event:test",
        )

    return draft


def joining(a: Identifier, b: Identifier) -> Proposal[Draft]:
    """A proposal to link two known identifiers."""

    async def draft(_: PolicyInForce) -> Draft:
        evidence = NewEvidence()
        first, second = sorted((a, b))
        evidence.add((first, second), 5, "shop")
        return Draft(
            evidence=EvidenceWrite(known_identifiers=evidence.identifiers, links=evidence.links),
            request=ResolutionRequest(Starts(plain=frozenset({a, b})), evidence),
            cause="event:join",
        )

    return draft


async def customer_with(space: World, identifier: Identifier) -> frozenset[Identifier]:
    """All identifiers of the customer that holds this one."""
    [found] = [m for m in (await space.settled()).customers.values() if identifier in m]
    return found


async def is_known(space: World, identifier: Identifier) -> bool:
    return bool(
        await space.rows(
            "MATCH (i:Identifier {key: $prefix + $name}) RETURN i.key", name=str(identifier)
        )
    )


async def test_what_is_applied_is_in_the_graph_and_in_the_ledger(world: NewWorld) -> None:
    space = await world(MERGING)
    await space.send(event("m1", 1, ANN), event("m2", 2, BOB))

    outcome = await settler_of(space).apply(space.scope, linking(PHONE, ANN))
    joined = await settler_of(space).apply(space.scope, joining(ANN, BOB))

    assert isinstance(outcome, Applied)
    assert outcome.changes() == []
    assert isinstance(joined, Applied)
    [change] = joined.changes()
    assert await customer_with(space, ANN) == {ANN, BOB, PHONE}
    listed = await space.rows(
        "MATCH (c:Change {space: $space}) RETURN c.id, c.kind, c.position, c.cause, c.at"
        " ORDER BY c.position DESC LIMIT 1"
    )
    assert listed == [[change.id, "MERGED", change.position, "event:join", change.at]]
    assert change.kind is ChangeKind.MERGED


async def test_a_proposal_is_drafted_again_when_its_customers_changed_meanwhile(
    world: NewWorld,
) -> None:
    space = await world(MERGING)
    await space.send(event("m1", 1, ANN))
    other = beside(space, space.database)
    attempts = 0

    async def change_ann_once() -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            await other.send(event("m2", 2, ANN, TABLET))

    outcome = await settler_of(space).apply(
        space.scope, linking(PHONE, ANN, confirm=change_ann_once)
    )

    assert isinstance(outcome, Applied)
    assert attempts == 2
    assert await customer_with(space, ANN) == {ANN, PHONE, TABLET}


async def test_a_proposal_is_drafted_again_by_a_policy_that_came_meanwhile(
    world: NewWorld,
) -> None:
    space = await world(MERGING)
    await space.send(event("m1", 1, ANN))
    other = beside(space, space.database)
    versions: list[int] = []

    async def put_another_in_force() -> None:
        if len(versions) == 1:
            await other.set_policy(Policy(MERGING.rules, max_component=4))

    linked = linking(PHONE, ANN, confirm=put_another_in_force)

    async def draft(in_force: PolicyInForce) -> Draft:
        versions.append(in_force.version)
        return await linked(in_force)

    outcome = await settler_of(space).apply(space.scope, draft)

    assert isinstance(outcome, Applied)
    assert versions == [1, 2]
    assert outcome.write is not None
    assert outcome.write.policy_version == 2


async def test_a_proposal_that_others_always_overtake_is_superseded_and_leaves_nothing(
    world: NewWorld,
) -> None:
    space = await world(MERGING)
    await space.send(event("m0", 1, ANN))
    other = beside(space, space.database)
    attempts = 0

    async def overtake() -> None:
        nonlocal attempts
        attempts += 1
        await other.send(event(f"m{attempts}", 1 - attempts, ANN))

    outcome = await settler_of(space).apply(
        space.scope, linking(PHONE, ANN, confirm=overtake), max_attempts=2
    )

    assert outcome == Superseded()
    assert attempts == 2
    assert not await is_known(space, PHONE)
    await space.check()


async def test_an_attempt_that_was_refused_is_followed_by_a_longer_and_longer_wait(
    world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = await world(MERGING)
    await space.send(event("m0", 1, ANN))
    other = beside(space, space.database)
    await other.send(event("m", 1, ANN))  # knows her now, and takes her for nobody new
    waits: list[tuple[float, float]] = []

    def longest(least: float, most: float) -> float:
        waits.append((least, most))
        return 0

    async def overtake() -> None:
        await other.send(event(f"m{len(waits) + 1}", -len(waits), ANN))

    monkeypatch.setattr("identity_service.services.write.settler.random.uniform", longest)
    await settler_of(space).apply(
        space.scope, linking(PHONE, ANN, confirm=overtake), max_attempts=3
    )

    assert waits == [(0, 0.005), (0, 0.01), (0, 0.02)]


async def test_what_is_not_confirmed_is_not_written_and_the_next_one_is(world: NewWorld) -> None:
    space = await world(MERGING)
    await space.send(event("m1", 1, ANN))
    settler = settler_of(space)

    async def refuse() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await settler.apply(space.scope, linking(PHONE, ANN, confirm=refuse))

    assert not await is_known(space, PHONE)
    assert isinstance(await settler.apply(space.scope, linking(TABLET, ANN)), Applied)
    assert await is_known(space, TABLET)


async def test_an_over_connected_component_is_handed_back_with_its_draft(world: NewWorld) -> None:
    space = await world(MERGING)
    await space.send(event("m1", 1, ANN, BOB, TABLET))

    outcome = await settler_of(space).apply(space.scope, linking(PHONE, ANN))

    assert isinstance(outcome, OverConnected)
    assert (outcome.limit, outcome.draft.cause) == (3, "event:test")
    assert not await is_known(space, PHONE)


async def test_evidence_of_an_over_connected_component_is_kept_where_the_draft_says_so(
    world: NewWorld,
) -> None:
    space = await world(MERGING)
    await space.send(event("m1", 1, ANN, BOB, TABLET))
    before = await space.check()

    outcome = await settler_of(space).apply(
        space.scope, linking(PHONE, ANN, drafted=KeepsUnsettled)
    )

    assert isinstance(outcome, Applied)
    assert outcome.resolved is None
    found = await space.settled()
    assert found.unsettled == {PHONE}
    assert found.customers == before.customers


async def test_each_change_has_the_last_cause_in_its_component_or_else_the_common_one(
    world: NewWorld,
) -> None:
    space = await world(MERGING)

    async def draft(_: PolicyInForce) -> Draft:
        evidence = NewEvidence()
        evidence.add((ANN, PHONE), 1, "shop")
        evidence.add((BOB,), 1, "shop")
        evidence.add((TABLET,), 1, "shop")
        return Draft(
            evidence=EvidenceWrite(identifiers=evidence.identifiers, links=evidence.links),
            request=ResolutionRequest(Starts(), evidence),
            causes=[(ANN, "event:1"), (PHONE, "event:2"), (BOB, "event:3")],
            cause="policy:1",
        )

    outcome = await settler_of(space).apply(space.scope, draft)

    assert isinstance(outcome, Applied)
    assert {
        tuple(map(identifier_of, change.identifier_keys)): change.cause
        for change in outcome.changes()
    } == {(ANN, PHONE): "event:2", (BOB,): "event:3", (TABLET,): "policy:1"}


async def test_a_draft_without_evidence_writes_nothing(world: NewWorld) -> None:
    space = await world(MERGING)

    async def draft(_: PolicyInForce) -> Draft:
        return Draft(evidence=None, cause="event:test")

    outcome = await settler_of(space).apply(space.scope, draft)

    assert isinstance(outcome, Applied)
    assert outcome.write is None
    assert outcome.changes() == []


async def test_one_process_writes_to_a_space_one_proposal_after_the_other(world: NewWorld) -> None:
    space, elsewhere = await world(MERGING), await world(MERGING)
    await space.send(event("m1", 1, ANN))
    await elsewhere.send(event("m1", 1, ANN))
    settler = settler_of(space)
    drafted: list[str] = []
    held, may_go_on = asyncio.Event(), asyncio.Event()

    def recorded(name: str, proposal: Proposal[Draft]) -> Proposal[Draft]:
        async def draft(in_force: PolicyInForce) -> Draft:
            drafted.append(name)
            return await proposal(in_force)

        return draft

    async def wait() -> None:
        held.set()
        await may_go_on.wait()

    first = asyncio.create_task(
        settler.apply(space.scope, recorded("first", linking(PHONE, ANN, confirm=wait)))
    )
    await held.wait()
    second = asyncio.create_task(
        settler.apply(space.scope, recorded("second", linking(TABLET, ANN)))
    )
    await settler.apply(elsewhere.scope, recorded("elsewhere", linking(PHONE, ANN)))
    before = list(drafted)
    may_go_on.set()
    await asyncio.gather(first, second)

    assert before == ["first", "elsewhere"]
    assert drafted == ["first", "elsewhere", "second"]
    assert await customer_with(space, ANN) == {ANN, PHONE, TABLET}
