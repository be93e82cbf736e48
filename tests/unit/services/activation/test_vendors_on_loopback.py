"""Each vendor as a real HTTP server on loopback that answers as the vendor does."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest

from identity_service.activation.exchange import Done, Later, Never, NoAccess, Unknown
from identity_service.activation.records import RecordKey
from identity_service.activation.vendors import DestinationVendor as Vendor
from tests.support.activation import FakeClock, by_key, erasure, merge, sender_to, upsert
from tests.support.vendor_stub import Asked, Said, vendor_stub


def _accepts(_: Asked) -> Said:
    return Said(200, {})


async def test_customerio_names_the_one_of_three_people_that_it_refuses() -> None:
    def answer(asked: Asked) -> Said:
        errors = [
            {
                "batch_index": place,
                "field": "attributes.note",
                "reason": "invalid",
                "message": "is longer than 1000 bytes",
            }
            for place, item in enumerate(asked.json["batch"])
            if len(item["attributes"].get("note", "")) > 1_000
        ]
        return Said(207, {"errors": errors}) if errors else Said(200, {})

    told = [
        upsert("user_id:u1", note="a"),
        upsert("user_id:u2", note="b" * 1_001),
        upsert("email:c@example.com"),
    ]
    with vendor_stub(answer) as stub:
        async with sender_to(Vendor.CUSTOMERIO, stub.url) as sender:
            outcomes = by_key(told, await sender.send(told))

    assert outcomes == {
        "u1": Done(),
        "u2": Never("attributes.note: invalid: is longer than 1000 bytes"),
        "c@example.com": Done(),
    }
    assert stub.paths == ["POST /api/v2/batch"]
    [asked] = stub.asked
    assert (
        asked.headers["authorization"]
        == "Basic " + base64.b64encode(b"the-site:the-api-key").decode()
    )
    assert asked.json["batch"][0] == {
        "type": "person",
        "identifiers": {"id": "u1"},
        "action": "identify",
        "timestamp": 1_700_000_000,
        "attributes": {"note": "a"},
    }
    assert asked.json["batch"][2]["identifiers"] == {"email": "c@example.com"}


async def test_customerio_gets_batches_of_500_kb_at_most_and_no_person_of_more_than_32() -> None:
    told = [upsert(f"user_id:u{n}", note="x" * 30_000) for n in range(40)]
    too_large = upsert("user_id:large", note="x" * 33_000)
    with vendor_stub(_accepts) as stub:
        async with sender_to(Vendor.CUSTOMERIO, stub.url) as sender:
            outcomes = await sender.send([*told, too_large])

    assert max(len(each.body) for each in stub.asked) <= 500_000
    assert sum(len(each.json["batch"]) for each in stub.asked) == 40
    assert isinstance(outcomes[too_large.id], Never)
    assert all(outcomes[each.id] == Done() for each in told)


async def test_customerio_clears_suppresses_and_merges_in_its_own_words() -> None:
    told = [
        upsert("user_id:u1", nick=None, audiences={"vip": True}),
        erasure("email:a@example.com"),
        merge("user_id:u2", RecordKey("user_id", "u1")),
    ]
    with vendor_stub(_accepts) as stub:
        async with sender_to(Vendor.CUSTOMERIO, stub.url) as sender:
            outcomes = await sender.send(told)

    assert set(outcomes.values()) == {Done()}
    items = sorted((each.json["batch"][0] for each in stub.asked), key=lambda item: item["action"])
    assert [item["action"] for item in items] == ["identify", "merge", "suppress"]
    assert items[0]["attributes"] == {"nick": "", "vip": True}
    assert items[1]["primary"] == {"id": "u1"}
    assert items[1]["secondary"] == {"id": "u2"}
    assert items[2]["identifiers"] == {"email": "a@example.com"}


async def test_hubspot_gets_250_contacts_in_three_requests_and_loses_only_the_one_it_refuses() -> (
    None
):
    told = [upsert(f"email:p{n}@example.com", first="Ann") for n in range(250)]
    refused = told[17].id

    def answer(asked: Asked) -> Said:
        ids = [each["objectWriteTraceId"] for each in asked.json["inputs"]]
        results = [{"id": "1", "objectWriteTraceId": each} for each in ids if each != refused]
        if refused not in ids:
            return Said(200, {"status": "COMPLETE", "results": results})
        error = {
            "status": "error",
            "category": "VALIDATION_ERROR",
            "message": "no such property",
            "context": {"objectWriteTraceId": [refused]},
        }
        return Said(
            207, {"status": "COMPLETE", "results": results, "numErrors": 1, "errors": [error]}
        )

    with vendor_stub(answer) as stub:
        async with sender_to(Vendor.HUBSPOT, stub.url) as sender:
            outcomes = await sender.send(told)

    assert stub.paths == ["POST /crm/v3/objects/contacts/batch/upsert"] * 3
    assert {len(each.json["inputs"]) for each in stub.asked} == {100, 50}
    assert [each for each in told if outcomes[each.id] != Done()] == [told[17]]
    assert outcomes[refused] == Never("VALIDATION_ERROR: no such property")
    assert stub.asked[0].headers["authorization"] == "Bearer the-token"


@pytest.mark.parametrize("place", [0, 17, 99])
async def test_a_batch_that_hubspot_refuses_as_a_whole_is_halved_until_the_bad_one_is_alone(
    place: int,
) -> None:
    told = [upsert(f"email:p{n}@example.com") for n in range(100)]
    bad = told[place] = upsert("email:bad@example.com")

    def answer(asked: Asked) -> Said:
        if any(each["id"].startswith("bad@") for each in asked.json["inputs"]):
            return Said(400, {"status": "error", "message": "bad@example.com is invalid"})
        return Said(200, {"results": []})

    with vendor_stub(answer) as stub:
        async with sender_to(Vendor.HUBSPOT, stub.url) as sender:
            outcomes = await sender.send(told)

    assert isinstance(outcomes[bad.id], Never)
    assert [each for each in told if outcomes[each.id] != Done()] == [bad]
    assert len(stub.asked) <= 15


async def test_hubspot_writes_texts_and_waits_ten_seconds_where_a_429_does_not_say_how_long() -> (
    None
):
    told = [
        upsert("email:a@example.com", vip=None, tags=["a", "b"], score=1.5, audiences={"in": True})
    ]
    clock = FakeClock()
    with vendor_stub(lambda _: Said(429, {"policyName": "TEN_SECONDLY_ROLLING"})) as stub:
        async with sender_to(Vendor.HUBSPOT, stub.url, clock) as sender:
            outcomes = await sender.send(told)
            is_held = sender.is_held

    [outcome] = outcomes.values()
    assert isinstance(outcome, Later)
    assert outcome.after_s == 10
    assert is_held
    assert stub.asked[0].json["inputs"][0]["properties"] == {
        "vip": "",
        "tags": "a;b",
        "score": "1.5",
        "in": "true",
    }


async def test_hubspot_answers_neither_results_nor_errors_and_nobody_knows() -> None:
    told = [upsert("email:a@example.com")]
    with vendor_stub(lambda _: Said(200, {})) as stub:
        async with sender_to(Vendor.HUBSPOT, stub.url) as sender:
            [outcome] = (await sender.send(told)).values()

    assert isinstance(outcome, Unknown)


async def test_hubspot_is_asked_for_its_ids_before_it_merges() -> None:
    def answer(asked: Asked) -> Said:
        if asked.path.endswith("batch/read"):
            found = [("u2", "22"), ("u1", "11")]
            return Said(
                200, {"results": [{"id": i, "properties": {"user_id": u}} for u, i in found]}
            )
        return Said(200, {"id": "33"})

    told = [merge("user_id:u2", RecordKey("user_id", "u1")), erasure("email:a@example.com")]
    with vendor_stub(answer) as stub:
        async with sender_to(Vendor.HUBSPOT, stub.url) as sender:
            outcomes = await sender.send(told)

    assert set(outcomes.values()) == {Done()}
    bodies = {each.path.rpartition("/")[2]: each.json for each in stub.asked}
    assert bodies["merge"] == {"primaryObjectId": "11", "objectIdToMerge": "22"}
    assert bodies["gdpr-delete"] == {"objectId": "a@example.com", "idProperty": "email"}


async def test_braze_gets_75_objects_a_request_and_names_the_one_that_it_refuses() -> None:
    told = [upsert(f"user_id:u{n}", first="Ann") for n in range(76)]

    def answer(asked: Asked) -> Said:
        size = len(asked.json["attributes"])
        if size < 75:
            return Said(201, {"message": "success", "attributes_processed": size})
        errors = [{"type": "'first' is no text", "input_array": "attributes", "index": 3}]
        return Said(201, {"message": "success", "attributes_processed": 74, "errors": errors})

    with vendor_stub(answer) as stub:
        async with sender_to(Vendor.BRAZE, stub.url) as sender:
            outcomes = by_key(told, await sender.send(told))

    assert sorted(len(each.json["attributes"]) for each in stub.asked) == [1, 75]
    assert {key for key, outcome in outcomes.items() if outcome != Done()} == {"u3"}
    assert outcomes["u3"] == Never("'first' is no text")
    assert stub.asked[0].path == "/users/track"


async def test_braze_deletes_and_merges_in_its_own_words() -> None:
    told = [
        erasure("user_id:u1"),
        erasure("email:a@example.com"),
        merge("user_id:u2", RecordKey("user_id", "u3")),
    ]
    with vendor_stub(lambda _: Said(202, {"message": "success"})) as stub:
        async with sender_to(Vendor.BRAZE, stub.url) as sender:
            outcomes = await sender.send(told)

    assert set(outcomes.values()) == {Done()}
    assert {each.path: each.json for each in stub.asked if "merge" in each.path} == {
        "/users/merge": {
            "merge_updates": [
                {
                    "identifier_to_merge": {"external_id": "u2"},
                    "identifier_to_keep": {"external_id": "u3"},
                }
            ]
        }
    }
    deleted = [each.json for each in stub.asked if each.path == "/users/delete"]
    assert {"external_ids": ["u1"]} in deleted
    assert {"email_addresses": ["a@example.com"]} in deleted


async def test_mailchimp_never_subscribes_again_who_left_and_tags_those_that_it_took() -> None:
    def answer(asked: Asked) -> Said:
        if asked.path == "/lists/l1":
            errors = [
                {
                    "email_address": "bad@example.com",
                    "error": "looks fake",
                    "error_code": "ERROR_GENERIC",
                }
            ]
            return Said(200, {"new_members": [], "updated_members": [], "errors": errors})
        return Said(204)

    told = [
        upsert("email:ann@example.com", FNAME="Ann", audiences={"vip": True, "cart": False}),
        upsert("email:Bad@example.com", FNAME=None, audiences={"vip": False}),
    ]
    with vendor_stub(answer) as stub:
        async with sender_to(Vendor.MAILCHIMP, stub.url) as sender:
            outcomes = by_key(told, await sender.send(told))

    assert outcomes == {
        "ann@example.com": Done(),
        "Bad@example.com": Never("ERROR_GENERIC: looks fake"),
    }
    members, tags = stub.asked
    assert all("status" not in member for member in members.json["members"])
    assert members.json["members"][0] == {
        "email_address": "ann@example.com",
        "status_if_new": "transactional",
        "merge_fields": {"FNAME": "Ann"},
    }
    assert tags.path == "/lists/l1/members/257c57037d384ae37ea27a07e8a01665/tags"
    assert tags.json == {
        "tags": [{"name": "vip", "status": "active"}, {"name": "cart", "status": "inactive"}]
    }


async def test_a_bare_403_of_mailchimp_is_load_and_one_with_a_reason_is_no_access() -> None:
    said = [Said(403), Said(403, {"title": "Forbidden"})]
    outcomes: list[Any] = []
    with vendor_stub(lambda _: said.pop(0)) as stub:
        for _ in range(2):
            async with sender_to(Vendor.MAILCHIMP, stub.url) as sender:
                outcomes += (await sender.send([upsert("email:a@example.com")])).values()

    assert isinstance(outcomes[0], Later)
    assert isinstance(outcomes[1], NoAccess)


async def test_mailchimp_has_never_more_than_ten_connections_and_deletes_for_good() -> None:
    told = [erasure(f"email:p{n}@example.com") for n in range(40)]
    with vendor_stub(lambda _: Said(204)) as stub:
        async with sender_to(Vendor.MAILCHIMP, stub.url) as sender:
            outcomes = await sender.send(told)

    assert set(outcomes.values()) == {Done()}
    assert stub.most_open <= 10
    assert all(each.path.endswith("/actions/delete-permanent") for each in stub.asked)


async def test_mixpanel_takes_999_of_1000_and_those_are_not_sent_again() -> None:
    told = [upsert(f"user_id:u{n}", first="Ann") for n in range(1_000)]
    failed = [{"index": 500, "field": "$set.first", "message": "is no text"}]
    said = Said(400, {"code": 400, "num_records_imported": 999, "failed_records": failed})
    with vendor_stub(lambda _: said) as stub:
        async with sender_to(Vendor.MIXPANEL, stub.url) as sender:
            outcomes = by_key(told, await sender.send(told))

    assert len(stub.asked) == 1
    assert {key for key, outcome in outcomes.items() if outcome != Done()} == {"u500"}
    assert outcomes["u500"] == Never("$set.first: is no text")


async def test_mixpanel_empties_properties_refuses_ids_of_nobody_and_deletes_by_another_token() -> (
    None
):
    told = [
        upsert("user_id:u1", first="Ann", last=None),
        upsert("user_id:NULL"),
        erasure("user_id:u2"),
    ]
    with vendor_stub(lambda _: Said(200, {"status": 1, "error": None})) as stub:
        async with sender_to(Vendor.MIXPANEL, stub.url) as sender:
            outcomes = by_key(told, await sender.send(told))

    assert outcomes["u1"] == outcomes["u2"] == Done()
    assert isinstance(outcomes["NULL"], Never)
    bodies = {each.path.partition("?")[0]: each for each in stub.asked}
    assert bodies["/engage"].json == [
        {"$token": "p1", "$distinct_id": "u1", "$set": {"first": "Ann"}},
        {"$token": "p1", "$distinct_id": "u1", "$unset": ["last"]},
    ]
    deletion = bodies["/api/app/data-deletions/v3.0/"]
    assert deletion.json == {"distinct_ids": ["u2"], "compliance_type": "GDPR"}
    assert deletion.headers["authorization"] == "Bearer the-token"


async def test_intercom_is_searched_then_changed_or_made_or_deleted() -> None:
    def answer(asked: Asked) -> Said:
        match asked.method, asked.path:
            case "GET", "/contacts/find_by_external_id/u1":
                return Said(200, {"type": "contact", "id": "c1"})
            case "GET", "/contacts/find_by_external_id/u3":
                return Said(200, {"type": "contact", "id": "c3"})
            case "GET", _:
                return Said(404, {"errors": []})
            case "POST", "/contacts/search":
                return Said(200, {"data": [], "total_count": 0})
            case _:
                return Said(200, {"id": "c2"})

    told = [
        upsert("user_id:u1", name="Ann", plan="pro", audiences={"vip": True}),
        upsert("user_id:u2", name="Bob"),
        upsert("email:c@example.com"),
        erasure("user_id:u3"),
        erasure("user_id:u4"),
    ]
    with vendor_stub(answer) as stub:
        async with sender_to(Vendor.INTERCOM, stub.url) as sender:
            outcomes = await sender.send(told)

    assert set(outcomes.values()) == {Done()}
    [changed] = [each for each in stub.asked if each.method == "PUT"]
    assert changed.path == "/contacts/c1"
    assert changed.json == {
        "role": "user",
        "name": "Ann",
        "external_id": "u1",
        "custom_attributes": {"plan": "pro", "vip": True},
    }
    made = [each.json for each in stub.asked if (each.method, each.path) == ("POST", "/contacts")]
    assert {each.get("external_id") or each["email"] for each in made} == {"u2", "c@example.com"}
    assert [each.path for each in stub.asked if each.method == "DELETE"] == ["/contacts/c3"]
    assert stub.asked[0].headers["intercom-version"] == "2.15"


async def test_a_contact_that_intercom_does_not_show_yet_waits_and_holds_up_nobody_else() -> None:
    def answer(asked: Asked) -> Said:
        return Said(404 if asked.method == "GET" else 409, {"errors": []})

    told = [upsert("user_id:u1")]
    with vendor_stub(answer) as stub:
        async with sender_to(Vendor.INTERCOM, stub.url) as sender:
            [outcome] = (await sender.send(told)).values()
            is_held = sender.is_held

    assert isinstance(outcome, Later)
    assert outcome.after_s == 5
    assert not is_held


async def test_segment_gets_identify_calls_whose_message_id_is_the_same_when_told_again() -> None:
    told = [upsert("user_id:u1", plan="pro", audiences={"vip": True}), erasure("user_id:u2")]
    with vendor_stub(_accepts) as stub:
        async with sender_to(Vendor.SEGMENT, stub.url) as sender:
            outcomes = by_key(told, await sender.send(told))
            await sender.send([upsert("user_id:u1", plan="pro", audiences={"vip": True})])

    assert outcomes["u1"] == Done()
    assert isinstance(outcomes["u2"], Never)
    first, again = (each.json["batch"][0] for each in stub.asked)
    assert first == again
    assert first["traits"] == {"plan": "pro", "vip": True}
    assert (first["type"], first["userId"]) == ("identify", "u1")


async def test_a_webhook_is_signed_as_standard_webhooks_has_it() -> None:
    told = [upsert("user_id:u1", plan="pro"), erasure("user_id:u2")]
    with vendor_stub(lambda _: Said(204)) as stub:
        async with sender_to(Vendor.WEBHOOK, f"{stub.url}/hook") as sender:
            outcomes = await sender.send(told)

    assert set(outcomes.values()) == {Done()}
    assert {each.json["type"] for each in stub.asked} == {"customer.updated", "customer.erased"}
    for asked in stub.asked:
        signed = f"{asked.headers['webhook-id']}.{asked.headers['webhook-timestamp']}.".encode()
        digest = hmac.new(b"0123456789abcdef01234567", signed + asked.body, hashlib.sha256).digest()
        assert asked.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()


async def test_a_redirect_is_not_followed() -> None:
    with (
        vendor_stub(_accepts) as inside,
        vendor_stub(lambda _: Said(307, None, {"Location": inside.url})) as stub,
    ):
        async with sender_to(Vendor.WEBHOOK, stub.url) as sender:
            [outcome] = (await sender.send([upsert("user_id:u1")])).values()

    assert outcome == Never("307: redirects are not followed")
    assert inside.asked == []


async def test_an_answer_of_another_shape_than_the_vendor_promises_says_nothing() -> None:
    with vendor_stub(lambda _: Said(207, {"errors": [{"reason": "whose?"}]})) as stub:
        async with sender_to(Vendor.CUSTOMERIO, stub.url) as sender:
            [outcome] = (await sender.send([upsert("user_id:u1")])).values()

    assert isinstance(outcome, Unknown)


async def test_where_nobody_listens_it_is_tried_later_and_then_left_alone() -> None:
    with vendor_stub(_accepts) as stub:
        gone = stub.url
    clock = FakeClock()
    async with sender_to(Vendor.WEBHOOK, gone, clock) as sender:
        outcomes = [
            outcome
            for n in range(6)
            for outcome in (await sender.send([upsert(f"user_id:u{n}")])).values()
        ]
        is_held = sender.is_held

    assert [type(each) for each in outcomes] == [Later] * 5
    assert is_held


async def test_requests_are_sent_no_faster_than_the_definition_says() -> None:
    clock = FakeClock()
    operations = [upsert(f"user_id:u{n}") for n in range(10)]
    with vendor_stub(lambda _: Said(204)) as stub:
        async with sender_to(Vendor.WEBHOOK, stub.url, clock, "requests_per_second: 2") as sender:
            begun = clock.now
            await sender.send(operations)

    assert len(stub.asked) == 10
    assert clock.now - begun >= 4_000


async def test_who_was_not_sent_while_a_batch_was_halved_is_no_dead_letter() -> None:
    said = [Said(400, {"message": "no"}), Said(429, {}, {"Retry-After": "60"})]
    operations = [upsert(f"email:p{n}@example.com") for n in range(8)]
    with vendor_stub(lambda _: said.pop(0)) as stub:
        async with sender_to(Vendor.HUBSPOT, stub.url) as sender:
            outcomes = await sender.send(operations)

    assert {type(each) for each in outcomes.values()} == {Later}
    assert len(outcomes) == 4


async def test_two_that_are_refused_only_together_are_both_taken() -> None:
    def answer(asked: Asked) -> Said:
        ids = {each["id"] for each in asked.json["inputs"]}
        both = {"p1@example.com", "p2@example.com"} <= ids
        return Said(409, {"message": "they conflict"}) if both else Said(200, {"results": []})

    operations = [upsert(f"email:p{n}@example.com") for n in range(4)]
    with vendor_stub(answer) as stub:
        async with sender_to(Vendor.HUBSPOT, stub.url) as sender:
            outcomes = await sender.send(operations)

    assert [outcomes[each.id] for each in operations] == [Done()] * 4
