"""Destinations served from a real graph to real servers on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import Counter, defaultdict
from email.utils import formatdate
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from pydantic import SecretStr

from identity_service.activation.vendors import DestinationVendor as Vendor
from identity_service.domain.events import ReportedEvent
from identity_service.domain.judgements import Verdict
from identity_service.errors import DestinationInvalid, FieldInvalid, Forbidden
from identity_service.graph.keys import DestinationKey
from identity_service.services.activation.destinations import SentAgain
from identity_service.services.spaces.access import Role
from identity_service.services.wiring import Reach, assemble
from identity_service.settings import Settings
from tests.support.activation import LOOPBACK, Activated, ActivatedSpace, FakeClock
from tests.support.killed_activation import LIMITS
from tests.support.neo4j import environment_of
from tests.support.profiles import apply_text, computed
from tests.support.space import MAX_QUEUE, NewWorld, event
from tests.support.vendor_stub import Asked, Said, vendor_stub
from tests.support.waiting import until

pytestmark = pytest.mark.neo4j

ROOT = Path(__file__).parents[4]

TEXT = """
features: {visits: {count: Visited}}
audiences: {regulars: {who: {did: Visited, times: {gte: 2}}}}
"""

NAMES = "attributes:\n  first_name: trait.first_name\n  emails: identifiers.email"


class Profiles:
    """Customer.io as far as it keeps people: what was identified, by id or address."""

    def __init__(self) -> None:
        self.people: dict[str, dict[str, Any]] = {}
        self.actions: list[str] = []

    def answer(self, asked: Asked) -> Said:
        """Take a batch."""
        for item in asked.json["batch"]:
            self.actions.append(item["action"])
            if item["action"] == "merge":
                self.people.pop(next(iter(item["secondary"].values())), None)
                continue
            [who] = item["identifiers"].values()
            if item["action"] == "suppress":
                self.people.pop(who, None)
                continue
            attributes = self.people.setdefault(who, {}) | item["attributes"]
            self.people[who] = {name: value for name, value in attributes.items() if value != ""}
        return Said(200, {})


async def test_a_sync_sends_every_customer_once_and_then_only_what_differs(
    world: NewWorld, activate: Activated
) -> None:
    space = activate(await world())
    vendor = Profiles()
    for n in range(5):
        who = (f"user_id:u{n}", f"email:p{n}@example.com")
        await space.world.send(event(f"m{n}", n, *who, traits={"first_name": f"Ann {n}"}))
    await space.world.send(event("visit", 9, "anonymous_id:visitor"))
    with vendor_stub(vendor.answer) as stub:
        key = await space.create(Vendor.CUSTOMERIO, stub.url, NAMES)
        await space.destinations.sync(space.world.scope, "crm")
        await space.engine.serve(key)
        first = len(stub.asked)
        await space.mark_all(key)
        await space.engine.serve(key)
        unchanged = len(stub.asked)
        await space.world.send(event("m9", 20, "user_id:u3", traits={"first_name": "Bea"}))
        await space.mark_all(key)
        await space.engine.serve(key)

    progress = await space.destinations.progress(
        await space.destinations.find(space.world.scope, "crm")
    )
    assert first == unchanged == 1
    assert [item["identifiers"] for item in stub.asked[1].json["batch"]] == [{"id": "u3"}]
    assert len(vendor.people) == 6
    assert vendor.people["u3"]["first_name"] == "Bea"
    assert vendor.people["u1"]["emails"] == ["p1@example.com"]
    assert vendor.people["u1"]["universal_id"].startswith("cus_")
    assert progress.records == {"held": 6}
    assert progress.waiting == 0


async def test_many_changes_of_a_customer_before_the_send_are_one_send(
    world: NewWorld, activate: Activated
) -> None:
    space = activate(await world())
    vendor = Profiles()
    with vendor_stub(vendor.answer) as stub:
        key = await space.create(Vendor.CUSTOMERIO, stub.url, NAMES)
        for n in range(10):
            await space.world.send(event(f"m{n}", n, "user_id:u", traits={"first_name": f"A{n}"}))
            await space.mark_all(key)
        await space.engine.serve(key)

    assert len(stub.asked) == 1
    assert vendor.people["u"]["first_name"] == "A9"


async def test_what_is_marked_while_it_is_sent_is_looked_at_again(
    world: NewWorld, activate: Activated
) -> None:
    space = activate(await world())
    await space.world.send(event("m1", 1, "user_id:u"))
    with vendor_stub(Profiles().answer) as stub:
        key = await space.create(Vendor.CUSTOMERIO, stub.url)
        [customer] = await space.mark_all(key)
        now = space.clock()
        taken = await space.store.take(key, now, now + 60_000, 10)
        await space.store.mark(key, [customer])
        await space.store.write_outcomes(key, now + 60_000, {}, {customer: None})

    assert taken == [customer]
    assert await space.store.due(key, now, 10) == [customer]


@pytest.mark.parametrize("as_date", [False, True])
async def test_a_destination_that_asks_to_wait_is_left_alone_for_so_long(
    world: NewWorld, activate: Activated, as_date: bool
) -> None:
    space = activate(await world())
    wait = formatdate(space.clock() // 1_000 + 3, usegmt=True) if as_date else "3"
    said = [Said(429, {}, {"Retry-After": wait}), Said(200, {})]
    await space.world.send(event("m1", 1, "user_id:u"))
    with vendor_stub(lambda _: said.pop(0)) as stub:
        key = await space.create(Vendor.CUSTOMERIO, stub.url)
        await space.mark_all(key)
        first = await space.look(key)
        space.clock.now += 2_999
        too_early = await space.look(key)
        space.clock.now += 1
        second = await space.look(key)

    assert (first.later, too_early.done, second.done) == (1, 0, 1)
    assert len(stub.asked) == 2


async def test_a_failure_without_a_time_is_tried_again_by_chance_and_is_dead_after_three_days(
    world: NewWorld,
    activate: Activated,
) -> None:
    space = activate(await world())
    await space.world.send(event("m1", 1, "user_id:u"))
    with vendor_stub(lambda _: Said(503)) as stub:
        key = await space.create(Vendor.CUSTOMERIO, stub.url)
        await space.mark_all(key)
        await space.look(key)
        first = await space.record_of(key, "user_id:u")
        space.clock.now += 3 * 86_400_000
        last = await space.look(key)

    found = await space.destinations.find(space.world.scope, "crm")
    letters = await space.destinations.dead_letters(found, "", 10)
    assert (first.state, first.attempt, first.answer) == ("waiting", 1, "503")
    assert last.dead == 1
    [letter] = letters.items
    assert (letter.record, letter.answer) == ("user_id:u", "503")


async def test_a_destination_that_lets_nothing_in_is_paused_and_says_so(
    world: NewWorld, activate: Activated
) -> None:
    space = activate(await world())
    said = [Said(401, {"meta": {"error": "bad key the-api-key"}}), Said(200, {})]
    await space.world.send(event("m1", 1, "user_id:u"))
    with vendor_stub(lambda _: said.pop(0)) as stub:
        key = await space.create(Vendor.CUSTOMERIO, stub.url)
        await space.mark_all(key)
        await space.engine.serve(key)
        await space.engine.serve(key)
        paused = await space.destinations.find(space.world.scope, "crm")
        asked_while_paused = len(stub.asked)
        await space.destinations.resume(space.world.scope, "crm")
        await space.engine.serve(key)

    assert paused.paused_at == 1_700_000_000_000
    assert paused.paused_by is None
    assert paused.paused_reason == '401 {"meta": {"error": "bad key ***"}}'
    assert asked_while_paused == 1
    assert (await space.record_of(key, "user_id:u")).state == "held"


async def test_a_dead_letter_is_read_without_secrets_stays_dead_and_is_sent_again(
    world: NewWorld,
    activate: Activated,
) -> None:
    space = activate(await world())
    error = {"batch_index": 0, "reason": "invalid", "message": "the-api-key is not for this"}
    said = [Said(207, {"errors": [error]}), Said(200, {})]
    await space.world.send(event("m1", 1, "user_id:u", traits={"first_name": "Ann"}))
    with vendor_stub(lambda _: said.pop(0)) as stub:
        key = await space.create(Vendor.CUSTOMERIO, stub.url, NAMES)
        await space.mark_all(key)
        await space.engine.serve(key)
        found = await space.destinations.find(space.world.scope, "crm")
        [letter] = (await space.destinations.dead_letters(found, "", 10)).items
        await space.mark_all(key)
        await space.engine.serve(key)
        asked_meanwhile = len(stub.asked)
        sent = await space.destinations.send_again(space.world.scope, "crm", ["user_id:u"], None)
        await space.engine.serve(key)

    assert letter.answer == "invalid: *** is not for this"
    assert letter.request is not None
    [request] = json.loads(letter.request)
    assert json.loads(request["body"])["batch"][0]["attributes"]["first_name"] == "Ann"
    assert "the-api-key" not in letter.request
    assert (asked_meanwhile, sent) == (1, SentAgain(1, 0))
    assert (await space.record_of(key, "user_id:u")).state == "held"
    assert await space.destinations.send_again(space.world.scope, "crm", None, None) == SentAgain(
        0, 0
    )


async def test_after_an_undo_the_destination_holds_what_it_held_before(
    world: NewWorld, activate: Activated
) -> None:
    space = activate(await world())
    vendor = Profiles()
    ann = event("m1", 1, "user_id:ann", traits={"first_name": "Ann"})
    bob = event("m2", 2, "user_id:bob", traits={"first_name": "Bob"})
    await space.world.send(ann, bob)
    with vendor_stub(vendor.answer) as stub:
        key = await space.create(Vendor.CUSTOMERIO, stub.url, NAMES)
        await space.mark_all(key)
        await space.engine.serve(key)
        before = {who: dict(held) for who, held in vendor.people.items()}
        judged, _ = await space.world.judge(Verdict.SAME, "user_id:ann", "user_id:bob")
        await space.mark_all(key)
        await space.engine.serve(key)
        merged = {who: dict(held) for who, held in vendor.people.items()}
        await space.world.withdraw(judged)
        await space.mark_all(key)
        await space.engine.serve(key)

    survivor, retired = before["ann"]["universal_id"], before["bob"]["universal_id"]
    assert merged["ann"]["retired_ids"] == [retired]
    assert merged["bob"] == {
        **before["bob"],
        "universal_id": survivor,
        "merged_into": survivor,
    }
    assert vendor.people == before


async def test_the_vendors_merge_is_sent_once_and_its_undo_leaves_a_note(
    world: NewWorld, activate: Activated
) -> None:
    space = activate(await world())
    vendor = Profiles()
    await space.world.send(event("m1", 1, "user_id:ann"), event("m2", 2, "user_id:bob"))
    with vendor_stub(vendor.answer) as stub:
        key = await space.create(Vendor.CUSTOMERIO, stub.url, f"{NAMES}\nmerge: vendor")
        await space.mark_all(key)
        await space.engine.serve(key)
        judged, _ = await space.world.judge(Verdict.SAME, "user_id:ann", "user_id:bob")
        await space.mark_all(key)
        for _ in range(3):
            await space.engine.serve(key)
            space.clock.now += 10_000
        merges = vendor.actions.count("merge")
        await space.world.withdraw(judged)
        await space.mark_all(key)
        await space.engine.serve(key)

    assert merges == vendor.actions.count("merge") == 1
    assert (await space.record_of(key, "user_id:ann")).note is None
    note = (await space.record_of(key, "user_id:bob")).note
    assert note is not None
    assert "cannot be taken back" in note
    assert set(vendor.people) == {"ann", "bob"}


async def test_an_erasure_reaches_each_destination_in_its_own_words_and_nothing_follows(
    world: NewWorld,
    activate: Activated,
) -> None:
    space = activate(await world())
    await space.world.send(event("m1", 1, "user_id:u", "email:u@example.com"))
    vendors = (Vendor.CUSTOMERIO, Vendor.HUBSPOT, Vendor.BRAZE, Vendor.MAILCHIMP, Vendor.WEBHOOK)

    def answer(asked: Asked) -> Said:
        del asked
        return Said(200, {"message": "success", "results": []})

    with vendor_stub(answer) as stub:
        keys = [await space.create(each, stub.url, name=each.value) for each in vendors]
        for key in keys:
            await space.mark_all(key)
            await space.engine.serve(key)
        stub.asked.clear()
        [customer] = await space.mark_all(keys[0])
        await space.destinations.erase(space.world.scope, customer)
        for key in keys:
            await space.engine.serve(key)
        erased = [*stub.asked]
        await space.world.send(event("m2", 2, "user_id:u", traits={"first_name": "Ann"}))
        for key in keys:
            await space.mark_all(key)
            await space.engine.serve(key)

    receipt = await space.destinations.records_of(space.world.scope, customer)
    assert {(each.destination, each.state) for each in receipt} == {
        (each.value, "erased") for each in vendors
    }
    assert len(erased) == len(vendors)
    assert erased[0].json["batch"][0]["action"] == "suppress"
    assert [each.path.rpartition("/")[2] for each in erased[1:4]] == [
        "gdpr-delete",
        "delete",
        "delete-permanent",
    ]
    assert erased[4].json["type"] == "customer.erased"
    assert stub.asked == erased


@pytest.mark.parametrize(
    ("state", "passes_on"), [("held", False), ("waiting", False), ("dead", False), ("held", True)]
)
async def test_an_answer_that_comes_after_the_order_to_erase_does_not_undo_it(
    world: NewWorld, activate: Activated, state: str, passes_on: bool
) -> None:
    space = activate(await world())
    await space.world.send(event("m1", 1, "user_id:u"))
    with vendor_stub(Profiles().answer) as stub:
        key = await space.create(Vendor.CUSTOMERIO, stub.url)
        [customer] = await space.mark_all(key)
        await space.engine.serve(key)
        await space.destinations.erase(space.world.scope, customer)
        owner = "cus_another" if passes_on else customer
        late = {"user_id:u": {"customer_id": owner, "state": state, "wanted": "what was sent"}}
        await space.store.write_outcomes(key, 0, late, {})
        await space.engine.serve(key)

    assert stub.asked[-1].json["batch"][0]["action"] == "suppress"
    assert (await space.record_of(key, "user_id:u")).state == "erased"


async def test_an_erasure_finds_a_record_whose_first_answer_has_not_come(
    world: NewWorld, activate: Activated
) -> None:
    space = activate(await world())
    await space.world.send(event("m1", 1, "user_id:u"))
    is_ordered = Event()

    def answer(asked: Asked) -> Said:
        del asked
        is_ordered.wait(timeout=30)
        return Said(200, {})

    async def is_asked() -> bool:
        return bool(stub.asked)

    with vendor_stub(answer) as stub:
        key = await space.create(Vendor.CUSTOMERIO, stub.url)
        [customer] = await space.mark_all(key)
        look = asyncio.create_task(space.look(key))
        await until(is_asked)
        await space.destinations.erase(space.world.scope, customer)
        is_ordered.set()
        await look
        await space.engine.serve(key)

    actions = [each.json["batch"][0]["action"] for each in stub.asked]
    assert actions == ["identify", "suppress"]
    assert (await space.record_of(key, "user_id:u")).state == "erased"


async def test_a_dry_run_shows_the_requests_and_opens_no_connection(
    world: NewWorld, activate: Activated
) -> None:
    space = activate(await world())
    await space.world.send(event("m1", 1, "user_id:u", traits={"first_name": "Ann"}))
    with vendor_stub(lambda _: Said(500)) as stub:
        key = await space.create(Vendor.CUSTOMERIO, stub.url, NAMES)
        await space.mark_all(key)
        found = await space.destinations.find(space.world.scope, "crm")
        shown = await space.destinations.dry_run(found)
        of_all = await space.destinations.dry_run(found, everybody=True)

    assert stub.asked == []
    assert shown.customers == of_all.customers == 1
    [request] = shown.requests
    assert request["url"].endswith("/api/v2/batch")
    assert json.loads(request["body"])["batch"][0]["identifiers"] == {"id": "u"}
    assert await space.store.due(key, space.clock(), 10) != []


async def test_an_answer_that_is_lost_is_asked_for_again_with_the_same_id(
    world: NewWorld, activate: Activated
) -> None:
    space = activate(await world())
    said = [Said(hangs_up=True), Said(204)]
    await space.world.send(event("m1", 1, "user_id:u"))
    with vendor_stub(lambda _: said.pop(0)) as stub:
        key = await space.create(Vendor.WEBHOOK, stub.url)
        await space.mark_all(key)
        lost = await space.look(key)
        space.clock.now += 10_000
        again = await space.look(key)

    assert (lost.later, again.done) == (1, 1)
    first, second = stub.asked
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.json["data"] == second.json["data"]


async def test_who_has_not_consented_goes_nowhere_and_who_withdraws_leaves_every_audience(
    world: NewWorld,
    activate: Activated,
) -> None:
    space = activate(await world())
    vendor = Profiles()

    def decision(number: int, who: str, granted: bool) -> ReportedEvent:
        said = {"purpose": "marketing", "granted": granted}
        return event(f"m{number}", number, who, name="Consent Updated", properties=said)

    await space.world.send(
        decision(1, "user_id:yes", True),
        decision(2, "user_id:no", False),
        event("m3", 3, "user_id:silent"),
    )
    await space.world.rows(
        "MATCH (c:Customer {space: $space}) "
        "CREATE (:Profile {customer_id: c.id, space: $space, values: $values, audiences: ['vip']})",
        values='{"orders": {"value": 3}}',
    )
    more = "attributes:\n  orders: feature.orders\naudiences:\n  vip: in_vip\nconsent: marketing"
    with vendor_stub(vendor.answer) as stub:
        key = await space.create(Vendor.CUSTOMERIO, stub.url, more)
        await space.mark_all(key)
        await space.engine.serve(key)
        granted = {who: dict(held) for who, held in vendor.people.items()}
        await space.world.send(decision(4, "user_id:yes", False))
        await space.mark_all(key)
        await space.engine.serve(key)

    assert set(granted) == {"yes"}
    assert (granted["yes"]["orders"], granted["yes"]["in_vip"]) == (3, True)
    assert vendor.people == {"yes": {**granted["yes"], "in_vip": False}}


async def test_more_are_due_than_are_read_at_a_time_and_nobody_has_some_of_the_ids(
    world: NewWorld, activate: Activated
) -> None:
    space = activate(await world())
    await space.world.send(event("m1", 1, "user_id:u"))
    vendor = Said(200, {"status": 1})
    with vendor_stub(lambda _: vendor) as stub:
        key = await space.create(Vendor.MIXPANEL, stub.url)
        await space.store.mark(key, [f"cus_{n}" for n in range(2_100)])
        await space.mark_all(key)
        await space.engine.serve(key)

    assert len(stub.asked) == 1
    assert await space.store.due(key, 2**62, 10) == []


async def test_one_process_serves_a_destination_at_a_time(
    world: NewWorld, activate: Activated
) -> None:
    made = await world()
    space, other = activate(made), activate(made, worker="w2")
    await made.send(event("m1", 1, "user_id:u"))
    with vendor_stub(Profiles().answer) as stub:
        key = await space.create(Vendor.CUSTOMERIO, stub.url)
        await space.mark_all(key)
        await space.store.claim(key, 60_000)
        await other.engine.serve(key)
        asked_by_other = len(stub.asked)
        await space.store.release(key)
        await other.engine.serve(key)

    assert asked_by_other == 0
    assert len(stub.asked) == 1


async def test_a_sync_that_was_interrupted_goes_on_where_it_was(
    world: NewWorld, activate: Activated
) -> None:
    made = await world()
    space = activate(made)
    await made.send(*(event(f"m{n}", n, f"user_id:u{n}") for n in range(7)))
    vendor = Profiles()
    with vendor_stub(vendor.answer) as stub:
        key = await space.create(Vendor.CUSTOMERIO, stub.url)
        begun = await space.destinations.sync(made.scope, "crm")
        await space.store.mark_next(key, 3, space.clock())
        halfway = await space.destinations.find(made.scope, "crm")
        await activate(made, space.clock, "w2").engine.serve(key)
        done = await space.destinations.find(made.scope, "crm")

    assert (begun.sync_marked, halfway.sync_marked, halfway.is_syncing) == (0, 3, True)
    assert (done.sync_marked, done.is_syncing) == (7, False)
    assert space.clock.waited == []  # there is more, and nothing to wait for
    assert set(vendor.people) == {f"u{n}" for n in range(7)}


async def test_a_destination_is_changed_paused_and_deleted_with_all_that_is_kept_of_it(
    world: NewWorld,
    activate: Activated,
) -> None:
    space = activate(await world())
    scope, destinations = space.world.scope, space.destinations
    await space.world.send(event("m1", 1, "user_id:u"))
    with vendor_stub(Profiles().answer) as stub:
        key = await space.create(Vendor.CUSTOMERIO, stub.url)
        await space.mark_all(key)
        await space.engine.serve(key)
        await space.mark_all(key)
        paused = await destinations.pause(scope, "crm")
        with pytest.raises(DestinationInvalid):
            await destinations.change(scope, "crm", definition="key: [nonsense type]")
        with pytest.raises(FieldInvalid):
            await space.create(Vendor.CUSTOMERIO, stub.url)
        listed = await destinations.of_space(scope, "", 10)
        await destinations.delete(scope, "crm")

    assert (paused.paused_by, paused.paused_at) == (scope.author, space.clock())
    assert [each.key.name for each in listed.items] == ["crm"]
    left = (
        "MATCH (n:Destination|Outgoing|OutgoingRecord|OutgoingEvent) "
        "WHERE n.space = $space RETURN count(n)"
    )
    assert await space.world.rows(left) == [[0]]
    with pytest.raises(FieldInvalid):
        await destinations.find(scope, "crm")


async def test_a_destination_takes_no_accounts(world: NewWorld, activate: Activated) -> None:
    space = activate(await world())
    text = "audiences: {large: {of: accounts, who: {did: any}}}\n"
    await space.world.use_cases.profile_texts.apply(space.world.scope, text, 0, None)

    with pytest.raises(DestinationInvalid) as refused:
        await space.create(Vendor.CUSTOMERIO, "https://example.com", "audiences: {large: Large}")

    assert [each.path for each in refused.value.problems] == ["audiences.large"]
    assert "takes customers" in str(refused.value)


async def test_destinations_are_for_administrators(world: NewWorld, activate: Activated) -> None:
    space = activate(await world())
    access = space.world.use_cases.access
    agent = access.operator(space.world.space)
    scope = access.require(agent, space.world.space, Role.AGENT)
    reader = type(scope)(scope.space, Role.AGENT, "an agent")

    with pytest.raises(Forbidden):
        await space.destinations.of_space(reader, "", 10)
    with pytest.raises(Forbidden):
        await space.destinations.erase(reader, "cus_1")


async def test_an_address_that_is_not_allowed_pauses_the_destination(
    world: NewWorld, activate: Activated
) -> None:
    made = await world()
    space = activate(made, FakeClock())
    await made.send(event("m1", 1, "user_id:u"))
    key = await space.create(Vendor.WEBHOOK, "http://169.254.169.254/latest")
    await space.mark_all(key)

    await space.engine.serve(key)

    reason = (await space.destinations.find(made.scope, "crm")).paused_reason
    assert reason is not None
    assert "not public" in reason


async def test_a_change_goes_through_the_profile_to_the_destination_by_itself(
    world: NewWorld, activate: Activated
) -> None:
    made = await world()
    space = activate(made)
    vendor = Profiles()
    more = "attributes: {visits: feature.visits}\naudiences: {regulars: regular}"
    with vendor_stub(vendor.answer) as stub:
        key = await space.create(Vendor.CUSTOMERIO, stub.url, more)
        await apply_text(made, TEXT)
        await made.send(event("m1", 1, "user_id:u"))
        await computed(made)
        await space.engine.serve(key)
        once = dict(vendor.people["u"])
        await made.send(event("m2", 2, "user_id:u"))
        await computed(made)
        await space.engine.serve(key)

    assert (once["visits"], once["regular"]) == (1, False)
    assert vendor.people["u"] == {**once, "visits": 2, "regular": True}


async def test_of_processes_that_are_killed_nothing_is_lost_and_each_record_stays_in_order(
    world: NewWorld, activate: Activated, database_settings: Settings
) -> None:
    made = await world()
    wanted = {f"u{n}": 0 for n in range(200)}
    await made.send(*(_version(who, 0) for who in wanted))
    sent: dict[str, list[int]] = defaultdict(list)
    may_come_again: Counter[tuple[str, int]] = Counter()
    ended: list[int] = []

    def answer(asked: Asked) -> Said:
        for who, version in _told(asked):
            sent[who].append(version)
        return Said(200, {})

    with vendor_stub(answer) as stub:
        space = activate(made)
        key = await space.create(
            Vendor.CUSTOMERIO, stub.url, "attributes: {version: trait.version}"
        )
        await space.destinations.sync(made.scope, "crm")
        processes = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.support.killed_activation", *key),
            cwd=ROOT,
            env=os.environ | environment_of(database_settings),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert processes.stdin is not None
        assert processes.stdout is not None
        for version in range(1, 21):
            # Before the first and after the first request, before the second and after it.
            processes.stdin.write(f"{1 + version % 4}\n".encode())
            ended.append(int(await processes.stdout.readline()))
            on_the_way = _told(stub.asked[-1]) if stub.asked else []
            may_come_again.update(on_the_way)
            changed = [who for who, _ in on_the_way[:2]]
            wanted |= dict.fromkeys(changed, version)
            await made.send(*(_version(who, version) for who in changed))
            await space.store.mark(key, [await _customer(space, who) for who in changed])
            await until(lambda: _is_free(space, key))
        processes.stdin.close()
        await processes.wait()
        later = assemble(
            made.database,
            MAX_QUEUE,
            limits=LIMITS,
            secrets_key=SecretStr("k" * 43),
            reach=Reach(LOOPBACK),
        )

        async def all_held() -> bool:
            await later.activation.serve(key)
            return await space.store.counts(key) == ({"held": len(wanted)}, 0)

        await until(all_held)
        await later.activation.close()

    assert ended == [-signal.SIGKILL] * 20
    assert {who: versions[-1] for who, versions in sent.items()} == wanted
    assert all(versions == sorted(versions) for versions in sent.values())
    times = Counter((who, version) for who, versions in sent.items() for version in versions)
    assert all(n <= 1 + may_come_again[each] for each, n in times.items())


def _version(who: str, version: int) -> ReportedEvent:
    return event(f"{who}-{version}", version, f"user_id:{who}", traits={"version": version})


def _told(asked: Asked) -> list[tuple[str, int]]:
    """Whose versions a batch for Customer.io tells."""
    batch = asked.json["batch"]
    return [(item["identifiers"]["id"], item["attributes"]["version"]) for item in batch]


async def _customer(space: ActivatedSpace, who: str) -> str:
    [[customer]] = await space.world.rows(
        "MATCH (i:Identifier {key: $space + '/user_id:' + $who})-[:BELONGS_TO]->(c) RETURN c.id",
        who=who,
    )
    return customer


async def _is_free(space: ActivatedSpace, key: DestinationKey) -> bool:
    """Whether no process holds the destination any more."""
    claimed = await space.store.claim(key, 1)
    if claimed is not None:
        await space.store.release(key)
    return claimed is not None
