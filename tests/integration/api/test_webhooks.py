"""Vendors' webhooks over HTTP: who is believed, what is kept, and what each answer says."""

from __future__ import annotations

import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from identity_service.settings import Settings
from tests.support.service import RunningService, Space, create_space, running_service
from tests.support.webhooks import (
    CREATE,
    SECRET,
    SHOP,
    VENDORS,
    Asking,
    Hook,
    create_hook,
    delivery,
    stripe,
)

pytestmark = pytest.mark.neo4j

KEPT, GONE = (f"shopify_customer_id:s.myshopify.com/{number}" for number in (1, 2))

POLICY = """
extends: quarantine
types:
  user_id: {priority: 1, kind: person, limit: 1}
  email: {priority: 2, kind: person, limit: 5, shared: quarantine, normalise: email}
  phone: {priority: 3, kind: person, limit: 5, shared: quarantine, normalise: phone}
  hubspot_contact_id: {priority: 6, kind: person}
"""

MERGES = """
query ($space: String!, $state: UpstreamState!, $first: Int, $after: String) {
  space(name: $space) {
    upstreamMerges(state: $state, first: $first, after: $after) {
      edges { node { id source topic state decidedBy reason
        kept { type value identifier { value customer { customerId } } } merged { type value }
        judgementId } }
      pageInfo { endCursor hasNextPage }
    }
  }
}
"""
REQUESTS = """
query ($space: String!, $state: UpstreamState!) {
  space(name: $space) {
    upstreamRequests(state: $state) {
      edges { node { id kind source topic identifiers { type value } state decidedBy reason } }
    }
  }
}
"""
ACCEPT = """
mutation ($space: String!, $id: ID!) {
  accepted: acceptMerge(space: $space, id: $id, reason: "The shop knows.") {
    __typename
    ... on Judged { judgement { id verdict } changes { kind } }
    ... on Invalid { message }
  }
}
"""
ACCEPT_ALL = """
mutation ($space: String!, $source: String!) {
  all: acceptAllMerges(space: $space, source: $source, reason: "The shop knows.") {
    ... on MergesAccepted { accepted refused { id message } endCursor }
  }
}
"""
DISMISS = """
mutation ($space: String!, $id: ID!) {
  dismissed: dismissMerge(space: $space, id: $id, reason: "Two brothers.") {
    ... on UpstreamMerge { state decidedBy }
    ... on Invalid { message }
  }
}
"""
HANDLE = """
mutation ($space: String!, $id: ID!) {
  handled: markRequestHandled(space: $space, id: $id, reason: "Erased by hand.") {
    ... on UpstreamRequest { state reason }
    ... on Invalid { message }
  }
}
"""


def admin(hook: Hook) -> Asking:
    return Asking(hook.service, hook.space.admin_key, {"space": hook.space.name})


def merges(hook: Hook, state: str = "OPEN", **page: Any) -> list[dict[str, Any]]:
    found = admin(hook).data(MERGES, state=state, **page)["space"]["upstreamMerges"]
    return [edge["node"] for edge in found["edges"]]


def requests(hook: Hook, state: str = "OPEN") -> list[dict[str, Any]]:
    found = admin(hook).data(REQUESTS, state=state)["space"]["upstreamRequests"]
    return [edge["node"] for edge in found["edges"]]


def named(identifier: dict[str, str]) -> str:
    return f"{identifier['type']}:{identifier['value']}"


def shopify(hook: Hook, topic: str, body: dict[str, Any], delivery: str = "w-1") -> dict[str, Any]:
    headers = {**SHOP, "X-Shopify-Topic": topic, "X-Shopify-Webhook-Id": delivery}
    answer = hook.send(body, headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def merge(hook: Hook, kept: int = 1, gone: int = 2, status: str = "completed") -> dict[str, Any]:
    gid = "gid://shopify/Customer/"
    body = {
        "admin_graphql_api_customer_kept_id": f"{gid}{kept}",
        "admin_graphql_api_customer_deleted_id": f"{gid}{gone}",
        "status": status,
    }
    return shopify(hook, "customers/merge", body, f"merge-{kept}-{gone}")


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_delivery_is_kept_once_and_the_order_does_not_matter(
    service: RunningService, vendor: str
) -> None:
    space, other = (create_space(service.settings, POLICY) for _ in range(2))
    hook, backwards = create_hook(service, space, vendor), create_hook(service, other, vendor)

    for number in range(3):
        answers = [hook.send(*delivery(vendor, number)) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert (answers[0].json()["events"], answers[0].json()["ignored"]) == (1, [])
    for number in reversed(range(3)):
        assert backwards.send(*delivery(vendor, number)).status_code == 200

    assert len(space.events()) == 3
    assert space.customers() == other.customers()
    assert len(space.customers()) == 1


@pytest.mark.parametrize("vendor", VENDORS)
def test_who_does_not_know_the_secret_is_refused_and_nothing_is_kept(
    service: RunningService, space: Space, vendor: str
) -> None:
    hook = create_hook(service, space, vendor)
    body, headers = delivery(vendor, 0)
    unsigned = service.post(f"/hooks/{hook.name}", json=body, headers=headers)

    for answer in (hook.send(body, headers, secret="another"), unsigned):
        assert answer.status_code == 401
        assert answer.json()["code"] == "UNAUTHORISED"
    assert space.events() == space.rejections() == []
    refused = f'identity_invalid_signatures_total{{source="{hook.name}"}} 2.0'
    assert refused in service.get("/metrics").text


@pytest.mark.parametrize("vendor", ["STRIPE", "CUSTOMERIO", "HUBSPOT", "ZENDESK"])
@pytest.mark.parametrize("away", [-310, 310], ids=["old", "future"])
def test_a_signed_time_far_from_now_is_refused(
    service: RunningService, space: Space, vendor: str, away: int
) -> None:
    hook = create_hook(service, space, vendor)

    answer = hook.send(*delivery(vendor, 0), at=time.time() + away)

    assert answer.status_code == 401
    assert "300 s from now" in answer.json()["message"]


def test_what_is_no_source_of_webhooks_is_refused_like_a_wrong_secret(
    service: RunningService, space: Space
) -> None:
    for name in ("nobody", space.name):  # the space has a source of its name, with a write key
        answer = Hook(service, space, "STRIPE", name).send(stripe(1))

        assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORISED")
    assert service.get(f"/hooks/{space.name}").status_code == 405


@pytest.mark.parametrize("headers", [{}, {"Expect": "100-continue"}], ids=["sent", "announced"])
def test_a_body_that_is_too_large_is_refused(
    service: RunningService, space: Space, headers: dict[str, str]
) -> None:
    answer = create_hook(service, space, "STRIPE").send(b" " * (1024 * 1024 + 1), headers)

    assert (answer.status_code, answer.json()["code"]) == (413, "TOO_LARGE")


@pytest.mark.parametrize("body", [{"event_id": "e", "data": {}}, b"{", []])
def test_a_bad_event_of_customerio_is_a_200_and_a_rejected_event(
    service: RunningService, space: Space, body: Any
) -> None:
    answer = create_hook(service, space, "CUSTOMERIO").send(body)

    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "events": 0,
        "rejected": 1,
        "notices": 0,
        "ignored": [],
    }
    assert len(space.rejections()) == 1


def test_hubspot_behind_a_proxy_is_believed_by_its_public_address_only(
    service: RunningService, space: Space
) -> None:
    public = "https://cdp.example.com/from-hubspot?source=crm"
    body, headers = delivery("HUBSPOT", 0)
    without = create_hook(service, space, "HUBSPOT")
    other = create_space(service.settings)
    told = create_hook(service, other, "HUBSPOT", publicUrl=public)

    assert without.send(body, headers, url=public).status_code == 401
    assert told.send(body, headers).status_code == 401
    assert told.send(body, headers, url=public, host="elsewhere:99").status_code == 200
    assert len(other.events()) == 1


def test_a_guests_payment_at_stripe_joins_the_user_who_began_it(
    service: RunningService, space: Space
) -> None:
    service.post("/v1/identify", space.write_key, json={"userId": "u-1", "anonymousId": "a-1"})
    session = {"client_reference_id": "u-1", "customer": None, "object": "checkout.session"}

    create_hook(service, space, "STRIPE").send(
        stripe(1, "checkout.session.completed", **session, customer_details={"email": "g@x.org"})
    )

    assert space.customers() == [{"user_id:u-1", "anonymous_id:a-1", "email:g@x.org"}]


def test_the_test_mode_of_stripe_reaches_no_live_space(
    service: RunningService, space: Space
) -> None:
    body = stripe(1, customer="cus_1") | {"livemode": False}
    test_space = create_space(service.settings)

    live = create_hook(service, space, "STRIPE").send(body)
    create_hook(service, test_space, "STRIPE", livemode=False).send(body)

    assert live.json()["ignored"] == ["invoice.paid is of Stripe's test mode."]
    assert space.events() == []
    assert len(test_space.events()) == 1


def test_both_secrets_are_good_while_one_is_rotated(service: RunningService, space: Space) -> None:
    hook = create_hook(service, space, "SHOPIFY")
    rotate = (
        "mutation ($space: String!, $source: String!, $secret: String!) {"
        " rotateWebhookSecret(space: $space, source: $source, secret: $secret)"
        " { ... on WebhookSecretRotated { oldUntil } ... on Invalid { message } } }"
    )

    def statuses() -> list[int]:
        secrets = (SECRET, "a newer secret")
        return [hook.send(*delivery("SHOPIFY", 0), secret=each).status_code for each in secrets]

    assert statuses() == [200, 401]
    rotated = admin(hook).data(rotate, source=hook.name, secret="a newer secret")
    assert rotated["rotateWebhookSecret"]["oldUntil"]
    assert statuses() == [200, 200]
    admin(hook).data(rotate, source=hook.name, secret="a newer secret")
    assert statuses() == [401, 200]


def test_no_secret_stands_in_the_graph(service: RunningService, space: Space) -> None:
    create_hook(service, space, "STRIPE")

    [source] = space.rows(
        "MATCH (s:Source)-[:FEEDS]->(:Space {name: $space}) WHERE s.vendor IS NOT NULL"
        " RETURN properties(s) AS held"
    )

    assert source["held"]["vendor"] == "stripe"
    assert SECRET not in str(source)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"name": "No Name"}, "name"),
        ({"secret": "short"}, "secret"),
        ({"secret": " with a space"}, "secret"),
        ({"publicUrl": "cdp.example.com"}, "publicUrl"),
        ({"publicUrl": "ftp://x"}, "publicUrl"),
        ({"noteAttribute": "x" * 257}, "noteAttribute"),
        ({"spaces": []}, None),
    ],
)
def test_what_no_source_of_webhooks_can_be_is_said(
    service: RunningService, space: Space, given: dict[str, Any], path: str | None
) -> None:
    good = {"name": space.name[:60], "spaces": [space.name], "vendor": "STRIPE", "secret": SECRET}
    answer = Asking(service, space.admin_key)(CREATE, **good | given)

    if path is None:
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    else:
        assert [each["path"] for each in answer["data"]["made"]["problems"]] == [path]
    assert SECRET not in str(answer)


# Upstream merges


@pytest.fixture
def shop(service: RunningService, space: Space) -> Hook:
    """A shop with two customers, who have nothing in common."""
    hook = create_hook(service, space, "SHOPIFY")
    for number in (1, 2):
        shopify(hook, "customers/create", {"id": number}, f"w-{number}")
    return hook


def test_a_merge_that_failed_changes_nothing(shop: Hook) -> None:
    answer = merge(shop, status="failed")

    assert (answer["events"], answer["notices"], len(answer["ignored"])) == (0, 0, 1)
    assert merges(shop) == []
    assert shop.space.customers() == [{KEPT}, {GONE}] or shop.space.customers() == [{GONE}, {KEPT}]


def test_a_completed_merge_waits_for_an_agent_who_can_accept_it(shop: Hook) -> None:
    for _ in range(2):
        assert merge(shop)["notices"] == 1
    assert len(shop.space.customers()) == 2
    [found] = merges(shop)
    assert (named(found["kept"]), named(found["merged"])) == (KEPT, GONE)
    assert (found["source"], found["topic"]) == (shop.name, "customers/merge")
    assert found["kept"]["identifier"]["customer"]["customerId"].startswith("cus_")

    accepted = admin(shop).data(ACCEPT, id=found["id"])["accepted"]

    assert accepted["judgement"]["verdict"] == "SAME"
    assert [change["kind"] for change in accepted["changes"]] == ["MERGED"]
    assert shop.space.customers() == [{KEPT, GONE}]
    assert merges(shop) == []
    [decided] = merges(shop, "ACCEPTED")
    assert (decided["decidedBy"], decided["reason"]) == ("admin", "The shop knows.")
    assert decided["judgementId"] == accepted["judgement"]["id"]


def test_a_merge_is_accepted_once_however_often_it_is_asked_for(shop: Hook) -> None:
    merge(shop)
    [found] = merges(shop)

    with ThreadPoolExecutor(2) as two:
        asked = [two.submit(admin(shop).data, ACCEPT, id=found["id"]) for _ in range(2)]
        both = [answer.result() for answer in asked]
    again = admin(shop).data(ACCEPT, id=found["id"])["accepted"]
    merge(shop)

    kinds = sorted(answer["accepted"]["__typename"] for answer in both)
    assert kinds == ["Invalid", "Judged"]
    assert again == {"__typename": "Invalid", "message": "It is accepted already, by admin."}
    assert merges(shop) == []
    made = "MATCH (j:Judgement {space: $space}) RETURN count(j) AS judgements"
    assert shop.space.rows(made) == [{"judgements": 1}]


def test_all_merges_of_a_source_are_accepted_at_once_and_by_two(shop: Hook) -> None:
    for number in range(3, 8):
        merge(shop, 1, number)

    with ThreadPoolExecutor(2) as two:
        asked = [two.submit(admin(shop).data, ACCEPT_ALL, source=shop.name) for _ in range(2)]
        both = [answer.result()["all"] for answer in asked]
    other = admin(shop).data(ACCEPT_ALL, source="another")["all"]

    assert sum(answer["accepted"] for answer in both) == 5
    assert {answer["endCursor"] for answer in both} == {None}
    assert other == {"accepted": 0, "refused": [], "endCursor": None}
    assert merges(shop) == []
    assert len(merges(shop, "ACCEPTED")) == 5
    made = "MATCH (j:Judgement {space: $space}) RETURN count(j) AS judgements"
    assert shop.space.rows(made) == [{"judgements": 5}]


def test_a_merge_that_was_dismissed_does_not_come_back(shop: Hook) -> None:
    merge(shop)
    [found] = merges(shop)

    dismissed = admin(shop).data(DISMISS, id=found["id"])["dismissed"]
    merge(shop)

    assert dismissed == {"state": "DISMISSED", "decidedBy": "admin"}
    assert merges(shop) == []
    assert len(shop.space.customers()) == 2
    again = admin(shop).data(DISMISS, id=found["id"])["dismissed"]
    assert again == {"message": "It is dismissed already, by admin."}


def test_merges_are_listed_page_by_page_newest_first(shop: Hook) -> None:
    for number in range(3, 6):
        merge(shop, 1, number)

    first = admin(shop).data(MERGES, state="OPEN", first=2)["space"]["upstreamMerges"]
    after = first["pageInfo"]["endCursor"]

    listed = [*first["edges"], *({"node": each} for each in merges(shop, first=2, after=after))]
    assert [edge["node"]["merged"]["value"][-1] for edge in listed] == ["5", "4", "3"]


def test_a_reader_sees_merges_and_decides_nothing(shop: Hook) -> None:
    merge(shop)
    [found] = merges(shop)
    reader = Asking(shop.service, shop.space.reader_key, {"space": shop.space.name})

    assert len(reader.data(MERGES, state="OPEN")["space"]["upstreamMerges"]["edges"]) == 1
    for mutation in (ACCEPT, DISMISS):
        answer = reader(mutation, id=found["id"])
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


# Upstream requests


def test_a_redaction_is_a_request_for_an_administrator_and_erases_nothing(shop: Hook) -> None:
    before = shop.space.events()
    body = {"shop_domain": "s.myshopify.com", "customer": {"id": 1, "email": "a@x.org"}}

    for _ in range(2):
        shopify(shop, "customers/redact", body, "redact-1")

    [found] = requests(shop)
    assert (found["kind"], found["topic"]) == ("ERASURE", "customers/redact")
    assert list(map(named, found["identifiers"])) == [KEPT, "email:a@x.org"]
    assert shop.space.events() == before
    assert len(shop.space.customers()) == 2

    handled = admin(shop).data(HANDLE, id=found["id"])["handled"]

    assert handled == {"state": "HANDLED", "reason": "Erased by hand."}
    assert requests(shop) == []
    assert [each["decidedBy"] for each in requests(shop, "HANDLED")] == ["admin"]
    again = admin(shop).data(HANDLE, id=found["id"])["handled"]
    assert again == {"message": "It is handled already, by admin."}


def test_a_reader_does_not_see_requests(shop: Hook) -> None:
    reader = Asking(shop.service, shop.space.reader_key, {"space": shop.space.name})

    answer = reader(REQUESTS, state="OPEN")

    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


def test_a_request_is_no_merge_and_the_other_way_round(shop: Hook) -> None:
    merge(shop)
    shopify(shop, "shop/redact", {"shop_id": 1}, "redact-shop")
    [[one], [other]] = merges(shop), requests(shop)

    assert "no merge" in admin(shop).data(ACCEPT, id=other["id"])["accepted"]["message"]
    assert "no request" in admin(shop).data(HANDLE, id=one["id"])["handled"]["message"]


# Services that cannot take anything


@pytest.fixture(scope="module")
def slow(database_settings: Settings) -> Generator[RunningService]:
    """A service that takes one event of each source, and the next one some day."""
    settings = {"write_key_rate": 0.0001, "write_key_burst": 1}
    with running_service(database_settings.model_copy(update=settings)) as running:
        yield running


@pytest.mark.parametrize(("vendor", "waits"), [("STRIPE", True), ("CUSTOMERIO", False)])
def test_an_overload_is_a_503_that_has_the_vendor_send_again(
    slow: RunningService, space: Space, vendor: str, waits: bool
) -> None:
    hook = create_hook(slow, space, vendor)
    first, second = delivery(vendor, 0), delivery(vendor, 1)

    assert hook.send(*first).status_code == 200
    answer = hook.send(*second)

    assert (answer.status_code, answer.json()["code"]) == (503, "OVERLOADED")
    assert ("Retry-After" in answer.headers) is waits
    assert hook.send(*second, secret="another").status_code == 401


def test_without_the_key_of_secrets_nothing_is_made_or_taken_and_the_reason_is_said(
    service: RunningService, space: Space, database_settings: Settings
) -> None:
    hook = create_hook(service, space, "STRIPE")
    settings = database_settings.model_copy(update={"secrets_key": None})

    with running_service(settings) as locked:
        answer = Hook(locked, space, "STRIPE", hook.name).send(stripe(1))
        made = Asking(locked, space.admin_key)(
            f'mutation {{ rotateWebhookSecret(space: "{space.name}", source: "{hook.name}",'
            ' secret: "a newer secret") { __typename } }'
        )

    assert (answer.status_code, answer.json()["code"]) == (503, "SECRETS_LOCKED")
    assert "IDENTITY_SECRETS_KEY" in answer.json()["message"]
    assert made["errors"][0]["extensions"]["code"] == "SECRETS_LOCKED"
