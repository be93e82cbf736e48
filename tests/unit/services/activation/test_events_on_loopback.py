"""Events sent to each vendor, a real HTTP server on loopback that answers as the vendor does."""

from __future__ import annotations

import base64

import pytest

from identity_service.activation.destinations.customerio import ulid
from identity_service.activation.exchange import Done, Later, Never, Unknown
from identity_service.activation.vendors import DestinationVendor as Vendor
from tests.support.activation import added, sender_to
from tests.support.vendor_stub import Asked, Said, vendor_stub


async def test_customerio_is_sent_an_event_twice_by_one_ulid_and_names_the_one_it_refuses() -> None:
    told = [added("user_id:u1", "m1", total=1), added("email:a@example.com", "m2")]
    refused = {"errors": [{"batch_index": 1, "reason": "required", "field": "name"}]}
    said = [Said(hangs_up=True), Said(207, refused)]
    with vendor_stub(lambda _: said.pop(0)) as stub:
        async with sender_to(Vendor.CUSTOMERIO, stub.url) as sender:
            lost = await sender.send(told)
            outcomes = await sender.send(told)

    first, again = (each.json["batch"] for each in stub.asked)
    assert first == again
    assert first[0] == {
        "type": "person",
        "identifiers": {"id": "u1"},
        "action": "event",
        "name": "Order Completed",
        "id": ulid(1_700_000_000_000, "m1"),
        "timestamp": 1_700_000_000,
        "attributes": {"total": 1},
    }
    assert all(isinstance(each, Unknown) for each in lost.values())
    assert [outcomes[each.id] for each in told] == [Done(), Never("name: required")]


def test_a_ulid_is_the_time_and_then_the_message() -> None:
    first, second = ulid(1_469_918_176_385, "m1"), ulid(1_469_918_176_385, "m2")

    assert first[:10] == second[:10] == "01ARYZ6S41"  # as the specification of ULIDs has it
    assert first != second
    assert len(first) == 26
    assert ulid(-1, "m1") == ulid(0, "m1")


async def test_braze_is_sent_75_events_a_request_and_names_the_one_that_it_refuses() -> None:
    told = [added(f"user_id:u{n}", f"m{n}") for n in range(76)]

    def answer(asked: Asked) -> Said:
        if len(asked.json["events"]) < 75:
            return Said(429, {}, {"X-Ratelimit-Retry-After": "7"})
        errors = [{"type": "'time' is in the future", "input_array": "events", "index": 3}]
        return Said(201, {"message": "success", "events_processed": 74, "errors": errors})

    with vendor_stub(answer) as stub:
        async with sender_to(Vendor.BRAZE, stub.url) as sender:
            outcomes = await sender.send(told)

    assert outcomes[told[3].id] == Never("'time' is in the future")
    [later] = [each for each in outcomes.values() if isinstance(each, Later)]
    assert later.after_s == 7
    assert sum(each == Done() for each in outcomes.values()) == 74
    assert {each.path for each in stub.asked} == {"/users/track"}


async def test_mixpanel_takes_events_by_the_projects_token_and_999_of_1000() -> None:
    told = [added(f"user_id:u{n}", f"m {n}" if n else "m-0", n=n) for n in range(1_000)]
    failed = [{"index": 500, "field": "properties.time", "message": "is in the future"}]
    said = Said(400, {"code": 400, "num_records_imported": 999, "failed_records": failed})
    with vendor_stub(lambda _: said) as stub:
        async with sender_to(Vendor.MIXPANEL, stub.url) as sender:
            outcomes = await sender.send(told)

    [asked] = stub.asked
    assert asked.path == "/import?strict=1"
    assert asked.headers["authorization"] == "Basic " + base64.b64encode(b"p1:").decode()
    assert outcomes[told[500].id] == Never("properties.time: is in the future")
    assert sum(each == Done() for each in outcomes.values()) == 999
    ids = [each["properties"]["$insert_id"] for each in asked.json]
    assert ids[0] == "m-0"
    assert all(each.isalnum() and len(each) == 32 for each in ids[1:])


async def test_intercom_is_sent_events_one_by_one_and_knows_nobody_by_that_id() -> None:
    def answer(asked: Asked) -> Said:
        return Said(404, {"type": "error.list"}) if asked.json.get("email") else Said(202)

    told = [added("user_id:u1", "m1", items=["a"]), added("email:a@example.com", "m2")]
    with vendor_stub(answer) as stub:
        async with sender_to(Vendor.INTERCOM, stub.url) as sender:
            outcomes = await sender.send(told)

    assert stub.paths == ["POST /events", "POST /events"]
    assert {each.json.get("user_id"): each.json["metadata"] for each in stub.asked} == {
        "u1": {"items": '["a"]'},
        None: {},
    }
    assert outcomes[told[0].id] == Done()
    assert isinstance(outcomes[told[1].id], Never)


async def test_segment_and_a_webhook_are_sent_events_by_the_id_that_they_have() -> None:
    told = added("user_id:u1", "m1", total=9)
    with vendor_stub(lambda _: Said(200)) as stub:
        for vendor in (Vendor.SEGMENT, Vendor.WEBHOOK, Vendor.WEBHOOK):
            async with sender_to(vendor, stub.url) as sender:
                assert await sender.send([told]) == {told.id: Done()}

    segment, webhook, again = stub.asked
    assert segment.json["batch"] == [
        {
            "type": "track",
            "userId": "u1",
            "messageId": "m1",
            "timestamp": "2023-11-14T22:13:20.000+00:00",
            "event": "Order Completed",
            "properties": {"total": 9},
        }
    ]
    assert webhook.headers["webhook-id"] == again.headers["webhook-id"] == told.id
    assert webhook.json["type"] == "customer.event"
    assert webhook.json["data"]["event"] == {
        "message_id": "m1",
        "name": "Order Completed",
        "at": "2023-11-14T22:13:20.000+00:00",
        "properties": {"total": 9},
    }


@pytest.mark.parametrize(("status", "outcome"), [(502, Unknown), (503, Later), (504, Unknown)])
async def test_nobody_knows_what_became_of_an_event_that_a_gateway_answers_for(
    status: int, outcome: type
) -> None:
    with vendor_stub(lambda _: Said(status)) as stub:
        async with sender_to(Vendor.BRAZE, stub.url) as sender:
            [said] = (await sender.send([added("user_id:u1", "m1")])).values()

    assert isinstance(said, outcome)
