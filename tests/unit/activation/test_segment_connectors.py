"""What our adapters send is what Segment's own connectors send for the same customers.

Theirs was recorded by `segment_connectors/record.cjs`. Where the two differ, the test says why.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

from identity_service.activation.definition import parse_definition
from identity_service.activation.exchange import Answer, Follow, Request
from identity_service.activation.records import Action, Operation, operation
from identity_service.activation.vendors import ADAPTERS, DestinationVendor, rules_of
from tests.support.activation import added, definition_text, record

RECORDED: Final = json.loads(
    (Path(__file__).parent / "segment_connectors" / "requests.json").read_text(encoding="utf-8")
)
AT: Final = 1_795_168_800_000

NAMED: Final = {
    DestinationVendor.CUSTOMERIO: "https://track.customer.io",
    DestinationVendor.BRAZE: "https://rest.iad-01.braze.com",
    DestinationVendor.HUBSPOT: "https://api.hubapi.com",
    DestinationVendor.MIXPANEL: "https://api.mixpanel.com",
    DestinationVendor.INTERCOM: "https://api.intercom.io",
}


def test_customerio_people_and_erasures() -> None:
    assert _sent(DestinationVendor.CUSTOMERIO, _people()) == RECORDED["customerio people"]
    erased = _people(action=Action.ERASE)
    assert _sent(DestinationVendor.CUSTOMERIO, erased) == RECORDED["customerio erasures"]


def test_braze_people() -> None:
    assert _sent(DestinationVendor.BRAZE, _people()) == RECORDED["braze people"]


def test_hubspot_people() -> None:
    [ours] = _sent(DestinationVendor.HUBSPOT, _people("email"))
    _, theirs = RECORDED["hubspot people"]

    # They look who is there, and create or update; HubSpot's own upsert needs no look, and has the
    # address as the id only. Our values are text, as HubSpot keeps them, and audiences go along.
    assert ours["url"] == theirs["url"].replace("/create", "/upsert")
    for our, their in zip(ours["body"]["inputs"], theirs["body"]["inputs"], strict=True):
        said = {name: str(value) for name, value in their["properties"].items()}
        assert (our["idProperty"], our["id"]) == ("email", said.pop("email"))
        assert our["properties"] == said | {"regular": str(said["orders"] != "0").lower()}


def test_mixpanel_people() -> None:
    people = _people(without=("email", "first_name"))
    [ours] = _sent(DestinationVendor.MIXPANEL, people)
    theirs = RECORDED["mixpanel people"]

    # They send each profile by itself, as a form; ours go together, and are checked (`strict`).
    assert {each["url"] for each in theirs} == {ours["url"].partition("?")[0]}
    assert ours["body"] == [json.loads(each["body"]["data"]) for each in theirs]


def test_intercom_people() -> None:
    made = _after_search(_people(), Answer(404))
    known = _after_search(_people()[:1], Answer(200, body=b'{"id": "c-7"}'))

    # They search by a query, of which Intercom says that it is behind; an external id can be asked
    # for by itself. What follows is the same.
    assert made == [each for each in RECORDED["intercom new people"] if not _is_search(each)]
    assert known == [each for each in RECORDED["intercom known people"] if not _is_search(each)]


def test_customerio_events() -> None:
    [ours] = _sent(DestinationVendor.CUSTOMERIO, _events())
    [theirs] = RECORDED["customerio events"]

    # They send the message id, which Customer.io takes for no ULID and so knows nothing again by.
    ids = [each.pop("id") for each in ours["body"]["batch"]]
    for each in theirs["body"]["batch"]:
        del each["id"]
    assert ours == theirs
    assert all(re.fullmatch(r"01[0-9A-HJKMNP-TV-Z]{24}", each) for each in ids)
    assert len(set(ids)) == 2


def test_braze_events() -> None:
    [ours] = _sent(DestinationVendor.BRAZE, _events())
    [theirs] = RECORDED["braze events"]

    # Theirs name an app, and say UTC as `Z`.
    for each in theirs["body"]["events"]:
        assert each.pop("app_id") == ""
        each["time"] = each["time"].replace("Z", "+00:00")
    assert ours == theirs


def test_mixpanel_events() -> None:
    [ours] = _sent(DestinationVendor.MIXPANEL, _events())
    [theirs] = RECORDED["mixpanel events"]

    # Theirs say once more who it was, and that Segment says so.
    for each in theirs["body"]:
        assert each["properties"].pop("id") == each["properties"]["distinct_id"]
        assert each["properties"].pop("$source") == "segment"
    assert ours == theirs


def test_intercom_events() -> None:
    assert _sent(DestinationVendor.INTERCOM, _events()) == RECORDED["intercom events"]


def _events() -> list[Operation]:
    return [
        added("user_id:u-1", "m-1", at=AT, total=9.5, sku="A"),
        added("user_id:u-2", "m-2", at=AT, total=12, sku="B"),
    ]


def _people(
    key: str = "user_id", action: Action = Action.UPSERT, without: tuple[str, ...] = ()
) -> list[Operation]:
    people = [("u-1", "ann@example.com", "Ann", 3), ("u-2", "bob@example.com", "Bob", 0)]
    made: list[Operation] = []
    for user_id, email, first_name, orders in people:
        attributes = {"email": email, "first_name": first_name, "orders": orders}
        kept = {name: value for name, value in attributes.items() if name not in without}
        name = email if key == "email" else user_id
        told = record(f"{key}:{name}", audiences={"regular": orders > 0}, **kept)
        made.append(operation("s/d", action, told, AT))
    return made


def _sent(vendor: DestinationVendor, operations: list[Operation]) -> list[dict[str, Any]]:
    """What is sent at first, each as the connectors' requests are recorded."""
    return [_plain(each) for each in _adapter(vendor).requests(operations)]


def _after_search(operations: list[Operation], answer: Answer) -> list[dict[str, Any]]:
    """What Intercom is sent once it has answered whether it knows somebody."""
    adapter = _adapter(DestinationVendor.INTERCOM)
    outcomes = [
        outcome
        for request in adapter.requests(operations)
        for outcome in adapter.outcomes(request, answer).values()
    ]
    return [_plain(each.request) for each in outcomes if isinstance(each, Follow)]


def _adapter(vendor: DestinationVendor) -> Any:
    text = definition_text(vendor, NAMED[vendor])
    return ADAPTERS[vendor](parse_definition(text, rules_of(vendor)))


def _plain(request: Request) -> dict[str, Any]:
    return {"method": request.method, "url": request.url, "body": json.loads(request.body)}


def _is_search(recorded: dict[str, Any]) -> bool:
    return recorded["url"].endswith("/contacts/search")
