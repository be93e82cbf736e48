"""Events of customers sent from a real graph to real servers on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from identity_service.activation.destinations.customerio import ulid
from identity_service.activation.vendors import DestinationVendor as Vendor
from identity_service.domain.events import ReportedEvent
from identity_service.domain.judgements import Verdict
from identity_service.graph.keys import DestinationKey
from identity_service.services.activation.destinations import SentAgain
from identity_service.services.activation.event_delivery import EventState
from identity_service.services.wiring import Reach, assemble
from identity_service.settings import Settings
from tests.support.activation import LOOPBACK, Activated, ActivatedSpace
from tests.support.killed_activation import LIMITS
from tests.support.neo4j import environment_of
from tests.support.profiles import computed
from tests.support.space import MAX_QUEUE, NewWorld, event
from tests.support.vendor_stub import Answering, Asked, Said, vendor_stub
from tests.support.waiting import until

pytestmark = pytest.mark.neo4j

ROOT = Path(__file__).parents[4]
MADE_AT = 1_700_000_000_000
ORDERS = "events: {Order Completed: order_completed}"


def did(
    message_id: str, after_s: int, *who: str, name: str = "Order Completed", **said: Any
) -> ReportedEvent:
    """An event so many seconds after the destinations of a test were made."""
    return event(message_id, MADE_AT + after_s * 1_000, *who, name=name, properties=said)


class CustomerIo:
    """Customer.io as far as it keeps who did what, each once, and in which order it came."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.ids: set[str] = set()

    def answer(self, asked: Asked) -> Said:
        """Take a batch."""
        for item in asked.json["batch"]:
            if item["action"] == "suppress":
                continue
            [who] = item["identifiers"].values()
            if item["action"] == "identify":
                self.told.append((who, "is"))
            elif item["id"] not in self.ids:
                self.ids.add(item["id"])
                self.told.append((who, f"{item['name']} {item['attributes'].get('n', '')}".strip()))
        return Said(200, {})


async def _served(space: ActivatedSpace, key: DestinationKey) -> None:
    await space.mark_all(key)
    await space.engine.serve(key)


async def test_events_that_happen_from_now_on_go_once_in_order_and_after_their_record(
    world: NewWorld, activate: Activated
) -> None:
    space = activate(await world())
    scope, vendor = space.world.scope, CustomerIo()
    await space.world.send(did("history", -1, "user_id:u"))
    with vendor_stub(vendor.answer) as stub:
        key = await space.create(Vendor.CUSTOMERIO, stub.url, ORDERS)
        await space.world.send(
            did("m2", 2, "user_id:u", n=2), did("page", 3, "user_id:u", name="Visited")
        )
        await space.world.send(did("m1", 1, "user_id:u", n=1))
        await computed(space.world)
        found = await space.destinations.find(scope, "crm")
        shown = await space.destinations.dry_run(found)
        dry = len(stub.asked)
        await space.engine.serve(key)
        await _served(space, key)
        first = list(vendor.told)
        text = found.definition.replace("}", ", Visited: seen}")
        space.clock.now += 30_000
        await space.destinations.change(scope, "crm", text)
        await space.world.send(did("m3", 60, "user_id:u", name="Visited"))
        await computed(space.world)  # which has the customer looked at once more
        await _served(space, key)

    assert dry == 0
    assert [json.loads(each["body"])["batch"][0]["action"] for each in shown.requests] == [
        "identify",
        "event",
    ]
    assert first == [("u", "is"), ("u", "order_completed 1"), ("u", "order_completed 2")]
    assert vendor.told[3:] == [("u", "seen")]
    assert stub.asked[1].json["batch"][0]["id"] == ulid(MADE_AT + 1_000, "m1")
    progress = await space.destinations.progress(found)
    assert (progress.events, progress.waiting) == ({"sent": 3}, 0)


async def test_an_event_goes_to_the_record_of_who_has_it_and_an_undo_sends_nothing_again(
    world: NewWorld, activate: Activated
) -> None:
    space = activate(await world())
    vendor = CustomerIo()
    await space.world.send(event("a", 1, "user_id:ann"), event("b", 2, "user_id:bob"))
    with vendor_stub(vendor.answer) as stub:
        key = await space.create(Vendor.CUSTOMERIO, stub.url, f"key: user_id\n{ORDERS}")
        await space.world.send(did("m1", 1, "anonymous_id:v", n=1))
        await _served(space, key)
        before_login = list(vendor.told)
        await space.world.send(did("m2", 2, "anonymous_id:v", "user_id:bob", n=2))
        judged, _ = await space.world.judge(Verdict.SAME, "user_id:ann", "user_id:bob")
        await _served(space, key)
        merged = vendor.told[len(before_login) :]
        await space.world.withdraw(judged)
        await space.world.send(did("m3", 3, "user_id:bob", n=3))
        await _served(space, key)

    done = [(who, said) for who, said in vendor.told if said != "is"]
    assert sorted(before_login) == [("ann", "is"), ("bob", "is")]
    assert [each for each in merged if each[1] != "is"] == [
        ("ann", "order_completed 1"),
        ("ann", "order_completed 2"),
    ]
    assert done[2:] == [("bob", "order_completed 3")]


async def test_what_was_retracted_or_erased_before_it_was_sent_is_never_sent(
    world: NewWorld, activate: Activated
) -> None:
    space = activate(await world())
    refused = {"errors": [{"batch_index": 0, "reason": "invalid", "message": "no"}]}

    def answers(to_an_event: Said) -> Answering:
        def answer(asked: Asked) -> Said:
            is_event = asked.json["batch"][0]["action"] == "event"
            return to_an_event if is_event else Said(200, {})

        return answer

    with vendor_stub(answers(Said(207, refused))) as stub:
        key = await space.create(Vendor.CUSTOMERIO, stub.url, ORDERS)
        await space.world.send(event("u", 1, "user_id:u"), did("d1", 1, "user_id:dead"))
        await _served(space, key)
        stub.answer = answers(Said(503))
        await space.world.send(did("m1", 1, "user_id:u"), source="other")
        await _served(space, key)
        found = await space.destinations.find(space.world.scope, "crm")
        waiting = await space.destinations.progress(found)
        [letter] = (await space.destinations.events_in(found, EventState.DEAD, "", 10)).items
        await space.world.retract("other", 0, 2_000)
        space.clock.now += 60_000
        stub.answer = lambda _: Said(200, {})
        stub.asked.clear()
        await _served(space, key)
        after_retraction = [item for each in stub.asked for item in each.json["batch"]]
        await space.destinations.erase(space.world.scope, letter.customer_id)
        erased = await space.destinations.progress(found)
        sent = await space.destinations.send_again(space.world.scope, "crm", None, None)
        await space.world.send(did("d2", 2, "user_id:dead"))
        await _served(space, key)

    assert waiting.events == {"dead": 1, "waiting": 1}
    assert (letter.record, letter.answer) == ("user_id:dead", "invalid: no")
    assert letter.request is not None
    assert "the-api-key" not in letter.request
    assert all(item["action"] != "event" for item in after_retraction)
    assert (erased.events, sent) == ({}, SentAgain(0, 0))
    actions = [item["action"] for each in stub.asked for item in each.json["batch"]]
    assert "event" not in actions
    assert "suppress" in actions


async def test_a_vendor_that_would_not_know_an_event_again_is_sent_it_once(
    world: NewWorld, activate: Activated
) -> None:
    space = activate(await world())
    said = [Said(hangs_up=True)]

    def answer(asked: Asked) -> Said:
        ok = Said(201, {"message": "success"})
        return said.pop() if "events" in asked.json and said else ok

    def sent() -> list[str]:
        return [
            done["properties"]["n"] for each in stub.asked for done in each.json.get("events", ())
        ]

    with vendor_stub(answer) as stub:
        key = await space.create(Vendor.BRAZE, stub.url, ORDERS)
        await space.world.send(did("m1", 1, "user_id:u", n="1"), did("m2", 2, "user_id:u", n="2"))
        await _served(space, key)
        lost = sent()
        space.clock.now += 60_000
        await space.world.send(did("m3", 3, "user_id:u", n="3"))
        await _served(space, key)
        later = sent()
        found = await space.destinations.find(space.world.scope, "crm")
        unknown = await space.destinations.events_in(found, EventState.UNKNOWN, "", 10)
        of_all = await space.destinations.send_again(space.world.scope, "crm", None, None)
        named = await space.destinations.send_again(space.world.scope, "crm", None, ["m1"])
        await space.engine.serve(key)
        again = sent()

    assert lost == ["1", "2"]
    assert later == ["1", "2", "3"]
    assert {each.message_id for each in unknown.items} == {"m1", "m2"}
    assert all(each.request and "no answer" in str(each.answer) for each in unknown.items)
    assert (of_all, named) == (SentAgain(0, 0), SentAgain(0, 1))
    assert again == ["1", "2", "3", "1"]


async def test_a_destination_that_asks_to_wait_gets_the_rest_of_the_events_later_in_order(
    world: NewWorld, activate: Activated
) -> None:
    space = activate(await world())
    told: list[str] = []
    said = [Said(204), Said(204), Said(429, {}, {"Retry-After": "3"})]

    def answer(asked: Asked) -> Said:
        answered = said.pop(0) if said else Said(204)
        if answered.status == 204:
            done = asked.json["data"].get("event")
            told.append(done["message_id"] if done else "record")
        return answered

    with vendor_stub(answer) as stub:
        key = await space.create(Vendor.WEBHOOK, stub.url, ORDERS)
        await space.world.send(*(did(f"m{n}", n, "user_id:u") for n in range(4)))
        await space.mark_all(key)
        first = await space.look(key)
        space.clock.now += 2_999
        too_early = await space.look(key)
        space.clock.now += 1
        last = await space.look(key)

    assert (first.done, first.later) == (2, 1)
    assert (too_early.done, last.done) == (0, 3)
    assert told == ["record", "m0", "m1", "m2", "m3"]
    assert await space.store.events.counts(key) == {"sent": 4}


async def test_who_has_events_behind_those_of_a_full_look_is_looked_at_again(
    world: NewWorld, activate: Activated
) -> None:
    space = activate(await world())
    vendor = CustomerIo()
    with vendor_stub(vendor.answer) as stub:
        key = await space.create(Vendor.CUSTOMERIO, stub.url, ORDERS)
        await space.world.send(
            *(did(f"m{n}", n, "user_id:busy") for n in range(1_000)),
            did("last", 2_000, "user_id:u"),
        )
        await space.mark_all(key)
        first = await space.look(key)
        second = await space.look(key)

    assert (first.done, first.is_full) == (1_002, True)
    assert (second.done, second.is_full) == (1, False)
    assert vendor.told[-1] == ("u", "order_completed")


async def test_what_was_done_without_consent_never_goes(
    world: NewWorld, activate: Activated
) -> None:
    space = activate(await world())
    vendor = CustomerIo()

    def decision(message_id: str, after_s: int, granted: bool) -> ReportedEvent:
        said = {"purpose": "marketing", "granted": granted}
        return did(message_id, after_s, "user_id:u", name="Consent Updated", **said)

    with vendor_stub(vendor.answer) as stub:
        key = await space.create(Vendor.CUSTOMERIO, stub.url, f"{ORDERS}\nconsent: marketing")
        space.clock.now += 60_000
        await space.world.send(did("m1", 1, "user_id:u", n=1))
        await _served(space, key)
        await space.world.send(decision("yes", 2, True), did("m2", 3, "user_id:u", n=2))
        await _served(space, key)
        await space.world.send(decision("no", 4, False), did("m3", 5, "user_id:u", n=3))
        await _served(space, key)
        await space.world.send(decision("again", 6, True))
        await _served(space, key)

    done = [said for _, said in vendor.told if said != "is"]
    assert done == ["order_completed 2"]


@pytest.mark.parametrize(("vendor", "times"), [(Vendor.CUSTOMERIO, 2), (Vendor.BRAZE, 1)])
async def test_a_process_that_is_killed_before_it_records_an_answer_sends_an_event_again_by_its_id(
    world: NewWorld,
    activate: Activated,
    database_settings: Settings,
    vendor: Vendor,
    times: int,
) -> None:
    made = await world()
    space = activate(made)
    told: list[Any] = []

    def answer(asked: Asked) -> Said:
        told.extend(each for each in asked.json.get("batch", ()) if each["action"] == "event")
        told.extend(asked.json.get("events", ()))
        return Said(201, {"message": "success"})

    with vendor_stub(answer) as stub:
        key = await space.create(vendor, stub.url, ORDERS)
        await made.send(did("m1", 1, "user_id:u"))
        await space.mark_all(key)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.support.killed_activation", *key),
            cwd=ROOT,
            env=os.environ | environment_of(database_settings),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        # It writes that the record is new, that it is held, and then would write of the event.
        output, _ = await process.communicate(b"3\n")
        later = assemble(
            made.database,
            MAX_QUEUE,
            limits=LIMITS,
            secrets_key=SecretStr("k" * 43),
            reach=Reach(LOOPBACK),
        )

        async def is_served() -> bool:
            await later.activation.serve(key)
            return (await space.store.counts(key))[1] == 0

        await until(is_served)
        await later.activation.close()

    assert int(output) == -signal.SIGKILL
    assert len(told) == times
    assert all(each == told[0] for each in told)
    state = "unknown" if vendor is Vendor.BRAZE else "sent"
    assert await space.store.events.counts(key) == {state: 1}


async def test_of_two_processes_only_one_may_send_an_event_that_is_sent_once(
    world: NewWorld, activate: Activated
) -> None:
    made = await world()
    space, other = activate(made), activate(made, worker="w2")
    await made.send(did("m1", 1, "user_id:u"))
    with vendor_stub(lambda _: Said(201, {"message": "success"})) as stub:
        key = await space.create(Vendor.BRAZE, stub.url)
        [customer] = await space.mark_all(key)
        await space.engine.serve(key)
        waiting, _ = await space.store.events.waiting(
            key, {customer: 0}, {}, {"Order Completed": 0}, 10
        )
        claimed = await asyncio.gather(
            *(each.store.events.claim(key, [("user_id:u", waiting[0])]) for each in (space, other))
        )

    assert sorted(map(len, claimed)) == [0, 1]
