"""Ingest: what is repeated changes nothing, what is bad is set aside, what is too much is said."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import REGISTRY

from identity_service.collect.segment import Collected, read_batch
from identity_service.domain.events import Rejection, RejectionCode
from identity_service.domain.identifiers import Identifier, IdentifierKind
from identity_service.domain.judgements import Verdict
from identity_service.domain.policies.policy import Policy, Rule, Sharing
from identity_service.domain.resolution.subgraph import Subgraph
from identity_service.errors import Contended, Overloaded, StatementFailed, Unavailable
from identity_service.graph.database import Database
from identity_service.graph.evidence import EvidenceStore, Written
from identity_service.graph.write_rows import SettlementWrite
from identity_service.services.spaces.access import Sender
from identity_service.services.write.policy_rollout import PolicyRollout
from identity_service.settings import Settings
from tests.support.relay import Relay
from tests.support.settled import SettledSpace
from tests.support.space import SOURCE, TESTS, NewWorld, World, beside, event

ANN, BOB = "user_id:ann", "user_id:bob"
PHONE, TABLET = "anonymous_id:phone", "anonymous_id:tablet"

SIGN_UP = (event("m1", 1, PHONE), event("m2", 2, PHONE, ANN), event("m3", 3, TABLET, ANN))

SMALL = Policy(
    {
        "user_id": Rule(1, IdentifierKind.PERSON, 1),
        "anonymous_id": Rule(2, IdentifierKind.DEVICE, shared=Sharing.QUARANTINE),
    },
    max_component=3,
)


async def events_in(space: World) -> dict[str, int]:
    """Message ids, with how many nodes there are of each."""
    found = await space.rows(
        "MATCH (e:Event {space: $space}) RETURN e.message_id, count(e) ORDER BY e.message_id"
    )
    return dict(tuple(row) for row in found)  # pyright: ignore[reportUnknownVariableType]


def collisions(space: World, source: str) -> float | None:
    """How many events of a source the metrics count whose message id another event had."""
    labels = {"space": space.space, "source": source}
    return REGISTRY.get_sample_value("identity_message_id_collisions_total", labels)


async def rejected_in(space: World) -> list[list[str]]:
    """Code, message and source of what was set aside."""
    return await space.rows(
        "MATCH (r:RejectedEvent {space: $space}) RETURN r.code, r.message, r.source ORDER BY r.id"
    )


async def test_a_batch_sent_twice_changes_nothing(world: NewWorld) -> None:
    space = await world()
    await space.send(*SIGN_UP)
    before = await space.check()

    await space.send(*SIGN_UP)
    await beside(space, space.database).send(*SIGN_UP[::-1])

    assert await space.settled() == before
    assert await events_in(space) == {"m1": 1, "m2": 1, "m3": 1}


async def test_what_another_process_writes_between_two_reads_is_counted_too(
    world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = await world()
    await space.send(event("m1", 1, PHONE), event("m2", 2, ANN))
    other = beside(space, space.database)
    load_subgraph = EvidenceStore.load_subgraph
    sent = False

    async def after_another(*asked: Any, **more: Any) -> Subgraph | None:
        nonlocal sent
        if not sent:
            sent = True
            await other.send(event("m3", 3, PHONE, ANN), source="other")
        return await load_subgraph(*asked, **more)

    monkeypatch.setattr(EvidenceStore, "load_subgraph", after_another)
    await space.send(event("m4", 4, PHONE, ANN))

    await space.check()
    [[times, sources]] = await space.rows(
        "MATCH (i:Identifier)-[l:OBSERVED_TOGETHER]->() WHERE i.key STARTS WITH $prefix"
        " RETURN l.times_seen, l.sources"
    )
    assert (times, sorted(sources)) == (2, ["other", SOURCE])


async def test_who_shares_a_batch_with_a_customer_that_others_keep_changing_is_answered(
    world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = await world()
    await space.send(event("m1", 100, PHONE))
    other = beside(space, space.database)
    write_settlement = EvidenceStore.write_settlement
    overtaken = 0

    async def after_another(store: EvidenceStore, write: SettlementWrite) -> Written | None:
        nonlocal overtaken
        if any(each.identity.message_id == "hot" for each in write.evidence.events):
            overtaken += 1
            await other.send(event(f"o{overtaken}", 100 - overtaken, PHONE))
        return await write_settlement(store, write)

    monkeypatch.setattr(EvidenceStore, "write_settlement", after_another)
    monkeypatch.setattr("identity_service.services.write.lanes.MAX_ATTEMPTS", 4)
    strangers = [event(f"s{n}", n, f"user_id:stranger-{n}") for n in range(9)]
    answers = await asyncio.gather(
        *(
            space.send(each)
            for each in (*strangers[:4], event("hot", 1, PHONE, ANN), *strangers[4:])
        ),
        return_exceptions=True,
    )

    failed = [type(answer) for answer in answers if answer is not None]
    assert failed == [Contended]
    assert isinstance(answers[4], Contended)
    stored = await events_in(space)
    assert stored.keys() >= {each.message_id for each in strangers}
    assert "hot" not in stored


async def test_of_one_event_twice_in_a_batch_the_first_counts(world: NewWorld) -> None:
    space = await world()

    # Its time differs, since it was corrected by when each was sent.
    await space.send(event("m1", 1, ANN, PHONE), event("m1", 2, ANN, PHONE))

    assert await space.rows("MATCH (e:Event {space: $space}) RETURN e.at") == [[1]]


async def test_one_message_id_with_other_content_is_another_event_and_counted(
    world: NewWorld,
) -> None:
    space = await world()
    robot, ann = event("m1", 1, PHONE, digest="1"), event("m1", 2, ANN, TABLET, digest="2")
    bob = event("m1", 3, BOB, digest="3")

    await space.send(robot, ann, source="web")
    await space.send(bob, source="app")
    await space.send(robot, bob, source="web")

    found = await space.settled()
    assert len({found.customer_of(who) for who in (PHONE, ANN, BOB)}) == 3
    assert await events_in(space) == {"m1": 3}
    assert [collisions(space, source) for source in ("web", "app")] == [1, 1]


async def test_writers_that_send_one_message_id_at_once_keep_all_that_differ(
    world: NewWorld,
) -> None:
    space = await world()
    writers = [space, beside(space, space.database)]
    events = [event("m1", n, f"user_id:u{n % 4}", digest=f"{n % 4}") for n in range(8)]

    await asyncio.gather(*(writer.send(each) for each in events for writer in writers))

    assert await events_in(space) == {"m1": 4}


async def test_an_event_that_an_earlier_version_wrote_is_known_by_its_message_id(
    world: NewWorld,
) -> None:
    space = await world()
    await space.send(*SIGN_UP)
    await space.rows(
        "MATCH (e:Event {space: $space}) SET e.key = $space + '/' + e.message_id REMOVE e.place"
        " RETURN count(e)"
    )

    await space.send(*SIGN_UP)

    assert await events_in(space) == {"m1": 1, "m2": 1, "m3": 1}
    assert collisions(space, SOURCE) is None


async def test_rejected_events_are_kept_once_for_each_content(world: NewWorld) -> None:
    space = await world()

    def unread(sent_at: int, name: str) -> Rejection:
        body = {"type": "track", "messageId": "m1", "event": name, "sentAt": sent_at}
        [rejection] = read_batch({"batch": [body]}, 9, lambda: "").rejections
        return rejection

    for sent_at in (1, 2):
        await space.send(
            event("m1", sent_at, "user_id:null", digest="c", context={"sentAt": sent_at}),
            rejections=[unread(sent_at, "a"), unread(sent_at, "b")],
        )

    assert len(await rejected_in(space)) == 3


async def test_an_event_that_brings_nothing_new_raises_no_revision(world: NewWorld) -> None:
    space = await world()
    await space.send(*SIGN_UP)
    before: SettledSpace = await space.check()

    await space.send(event("m4", 9, ANN, PHONE), event("m5", 9, TABLET))

    after = await space.check()
    assert after.revisions == before.revisions
    assert await events_in(space) == dict.fromkeys(("m1", "m2", "m3", "m4", "m5"), 1)


async def test_an_over_connected_component_keeps_its_evidence_and_its_customers(
    world: NewWorld,
) -> None:
    space = await world(SMALL)
    await space.send(event("m1", 1, ANN, PHONE, TABLET))
    before = await space.check()

    await space.send(event("m2", 2, PHONE, "anonymous_id:watch"), event("m3", 3, BOB))

    found = await space.settled()
    assert found.customers[before.customer_of(ANN)] == before.customers[before.customer_of(ANN)]
    assert found.unsettled == {
        Identifier("anonymous_id", "watch"),
        Identifier("anonymous_id", "phone"),
    }
    assert found.customers[found.customer_of(BOB)] == {Identifier("user_id", "bob")}
    assert (Identifier("anonymous_id", "phone"), Identifier("anonymous_id", "watch")) in found.links
    assert await events_in(space) == {"m1": 1, "m2": 1, "m3": 1}


async def test_a_higher_bound_settles_what_was_over_connected(world: NewWorld) -> None:
    space = await world(SMALL)
    await space.judge(Verdict.SAME, PHONE, "anonymous_id:watch")
    await space.send(event("m1", 1, ANN, PHONE, TABLET))
    await space.send(event("m2", 2, ANN, "anonymous_id:watch"))

    await space.set_policy(replace(SMALL, max_component=10))

    assert len((await space.check()).customers) == 1


async def test_bad_events_are_set_aside_with_their_reasons_and_the_others_are_taken(
    world: NewWorld,
) -> None:
    space = await world()
    not_read = Rejection(RejectionCode.INVALID_TIME, "No time.", "m0", {"timestamp": "soon"})

    await space.send(
        event("m1", 1, ANN),
        event("m2", 2, "user_id:null"),
        event("m3", 3, *(f"anonymous_id:a{n}" for n in range(51))),
        event("m4", 4, f"user_id:{'x' * 1_025}"),
        rejections=[not_read],
    )

    await space.check()
    assert await events_in(space) == {"m1": 1}
    assert [row[0] for row in await rejected_in(space)] == [
        "INVALID_TIME",
        "NO_IDENTIFIER",
        "TOO_MANY_IDENTIFIERS",
        "IDENTIFIER_TOO_LONG",
    ]
    assert all(message and source == SOURCE for _, message, source in await rejected_in(space))


async def test_a_batch_of_bad_events_only_is_answered(world: NewWorld) -> None:
    space = await world()

    await space.send(event("m1", 1, "user_id:undefined"))

    assert [row[0] for row in await rejected_in(space)] == ["NO_IDENTIFIER"]
    assert (await space.check()).customers == {}


async def test_a_source_feeds_several_spaces_which_decide_apart(world: NewWorld) -> None:
    apart, together = await world("extends: quarantine\n"), await world("extends: merge_all\n")
    events = (event("m1", 1, ANN, TABLET), event("m2", 2, BOB, TABLET))
    sender = Sender(SOURCE, (apart.scope, together.scope))

    await apart.use_cases.ingest.take(sender, Collected(events, ()), 1_000)

    for space in (apart, together):
        space.remember(events)
    assert len((await apart.check()).customers) == 3
    assert len((await together.check()).customers) == 1


async def test_more_than_may_wait_is_refused_and_taken_later(world: NewWorld) -> None:
    space = await world(max_queue=3)
    one_by_one = [event(f"m{n}", n, ANN) for n in range(5)]

    outcomes = await asyncio.gather(
        *(space.send(each) for each in one_by_one), return_exceptions=True
    )

    refused = [e for e, outcome in zip(one_by_one, outcomes, strict=True) if outcome is not None]
    assert refused
    assert all(isinstance(outcome, Overloaded) for outcome in outcomes if outcome is not None)
    assert len(await events_in(space)) == 5 - len(refused)
    await space.send(*refused)
    assert len(await events_in(space)) == 5
    await space.check()


async def test_a_space_that_is_busy_leaves_room_in_the_queue_to_the_others(
    world: NewWorld,
) -> None:
    busy = await world(max_queue=20)
    created = await busy.use_cases.spaces.create_space(TESTS, f"{busy.space}-2", None)
    quiet = replace(busy, scope=created.scope, sent={})

    many = [asyncio.ensure_future(busy.send(event(f"m{n}", n, ANN))) for n in range(40)]
    await asyncio.sleep(0)  # the sends begin
    few = [asyncio.ensure_future(quiet.send(event(f"m{n}", n, BOB))) for n in range(5)]
    await asyncio.gather(*few)
    outcomes = await asyncio.gather(*many, return_exceptions=True)

    taken = [outcome for outcome in outcomes if outcome is None]
    assert len(taken) == 10
    assert all(isinstance(outcome, Overloaded) for outcome in outcomes if outcome is not None)
    assert len(await events_in(quiet)) == 5


async def test_closing_writes_what_waits_and_takes_no_more(world: NewWorld) -> None:
    space = await world()
    waiting = [asyncio.ensure_future(space.send(event(f"m{n}", n, ANN))) for n in range(20)]
    await asyncio.sleep(0)  # the sends begin

    await space.use_cases.ingest.close()

    with pytest.raises(Unavailable, match="stopping"):
        await space.send(event("late", 99, ANN))
    await asyncio.gather(*waiting)
    assert len(await events_in(space)) == 20
    assert not space.use_cases.ingest.ready


async def test_what_waits_is_written_although_another_part_does_not_end_well(
    world: NewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: PolicyRollout) -> None:
        raise StatementFailed("A defect.")

    space = await world()
    monkeypatch.setattr(PolicyRollout, "close", fail)
    waiting = [asyncio.ensure_future(space.send(event(f"m{n}", n, ANN))) for n in range(20)]
    await asyncio.sleep(0)  # the sends begin

    with pytest.raises(StatementFailed):
        await space.use_cases.close()

    assert len(await events_in(space)) == 20
    await asyncio.gather(*waiting)


async def test_what_a_failing_database_did_not_take_is_taken_when_it_is_sent_again(
    world: NewWorld, database_settings: Settings
) -> None:
    space = await world()
    assert database_settings.neo4j_uri is not None
    async with Relay.to(database_settings.neo4j_uri) as relay:
        behind = database_settings.model_copy(update={"neo4j_uri": relay.uri})
        async with await Database.open(behind) as database:
            sender = beside(space, database)
            await sender.send(SIGN_UP[0])
            relay.cut_answers()
            with pytest.raises(Unavailable):
                await sender.send(*SIGN_UP)
            relay.mend()

            await sender.send(*SIGN_UP)

    await space.check()
    assert await events_in(space) == {"m1": 1, "m2": 1, "m3": 1}
