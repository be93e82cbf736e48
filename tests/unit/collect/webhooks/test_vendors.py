"""What the webhooks of each vendor are read as."""

from __future__ import annotations

import json
from typing import Any

import pytest

from identity_service.collect.webhooks.reading import Options
from identity_service.collect.webhooks.vendors import Received, Vendor, read_webhook
from identity_service.domain.events import RejectionCode, ReportedEvent
from identity_service.domain.upstream import Notice, NoticeKind

NOW = 1_795_000_000_000
AT_S = 1_794_999_990
AT = AT_S * 1000
SHOP = {"x-shopify-shop-domain": "s.myshopify.com", "x-shopify-webhook-id": "w-1"} | {
    "x-shopify-triggered-at": "2026-11-18T11:06:30Z"
}


def new_id() -> str:
    return "new"


def read(
    vendor: Vendor,
    body: object,
    headers: dict[str, str] | None = None,
    options: Options | None = None,
) -> Received:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_webhook(vendor, text, headers or {}, options or Options(), NOW, new_id)


def one(received: Received) -> ReportedEvent:
    assert received.collected.rejections == ()
    [event] = received.collected.events
    return event


def named(received: Received) -> list[str]:
    return [str(identifier) for identifier in one(received).identifiers]


def notices(received: Received) -> list[tuple[NoticeKind, list[str]]]:
    return [(each.kind, list(map(str, each.identifiers))) for each in received.collected.notices]


def is_ignored(received: Received) -> bool:
    nothing = received.collected.events == received.collected.rejections == ()
    return nothing and not received.collected.notices and len(received.ignored) == 1


# Every vendor


@pytest.mark.parametrize("vendor", Vendor)
@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
def test_a_body_that_cannot_be_read_is_a_rejected_event(vendor: Vendor, body: bytes) -> None:
    [rejection] = read(vendor, body).collected.rejections

    assert rejection.code is RejectionCode.NOT_JSON
    assert rejection.message_id is not None


@pytest.mark.parametrize("vendor", Vendor)
@pytest.mark.parametrize(
    "body",
    [
        *("null", "1", '"x"', "[]", "[[]]", "[null]", "{}", '{"data": []}'),
        *('{"data": {"object": []}}', '{"data": {"item": 1}}', '{"data": {"item": {"type": []}}}'),
        *('{"detail": 1, "event": 1}', '{"type": {}, "topic": []}', '{"events": [1]}'),
        *('{"user_identities": [{"identity_type": []}]}', '{"user_identities": [1]}'),
        '{"livemode": 1, "id": {}, "created": []}',
    ],
)
def test_no_body_is_an_error(vendor: Vendor, body: str) -> None:
    for topic in ("orders/create", "customers/merge", "customers/redact"):
        received = read(vendor, body.encode(), {"x-shopify-topic": topic})

        assert all(isinstance(each, Notice) for each in received.collected.notices)
        assert isinstance(received.collected.events, tuple)


FIELDS = (
    *("id", "type", "object", "created", "livemode", "account", "data", "related_object"),
    *("event_id", "object_type", "metric", "timestamp", "subscriptionType", "objectId"),
    *("mergedObjectIds", "status", "customer", "email", "note_attributes", "detail", "event"),
    *("topic", "user_identities", "events", "mpid", "userId"),
)


@pytest.mark.parametrize("vendor", Vendor)
@pytest.mark.parametrize("field", FIELDS)
def test_a_field_that_nests_deeply_is_no_error(vendor: Vendor, field: str) -> None:
    deep = b"[" * 900 + b"]" * 900

    for body in (b'{"%s":%s}' % (field.encode(), deep), b'[{"%s":%s}]' % (field.encode(), deep)):
        received = read(vendor, body, {"x-shopify-topic": "customers/merge"})

        assert isinstance(received.collected.events, tuple)


# Stripe


def stripe(type_: str, found: dict[str, Any], **given: Any) -> dict[str, Any]:
    event = {"id": "evt_1", "object": "event", "type": type_, "created": AT_S, "livemode": True}
    return {**event, "data": {"object": found}, **given}


def test_an_event_of_stripe_is_known_by_its_id_name_and_time() -> None:
    event = one(read(Vendor.STRIPE, stripe("invoice.paid", {"customer": "cus_1", "paid": True})))

    assert (event.message_id, event.name, event.at) == ("evt_1", "invoice.paid", AT)
    assert event.properties == {"customer": "cus_1", "paid": True}


@pytest.mark.parametrize(
    ("type_", "found", "identifiers"),
    [
        ("invoice.paid", {"customer": "cus_1"}, ["stripe_customer_id:cus_1"]),
        ("charge.refunded", {"customer": {"id": "cus_1"}}, ["stripe_customer_id:cus_1"]),
        (
            "customer.updated",
            {"id": "cus_1", "object": "customer", "email": "a@x.org", "phone": "+4915"},
            ["email:a@x.org", "phone:+4915", "stripe_customer_id:cus_1"],
        ),
        (
            "customer.subscription.created",
            {"id": "sub_1", "object": "subscription", "customer": "cus_1"},
            ["stripe_customer_id:cus_1"],
        ),
        (
            "checkout.session.completed",
            {"client_reference_id": "u-1", "customer": None, "customer_email": "b@x.org"}
            | {"customer_details": {"email": "a@x.org", "phone": None}},
            ["user_id:u-1", "email:a@x.org"],
        ),
        ("charge.succeeded", {"receipt_email": "r@x.org"}, ["email:r@x.org"]),
        (
            "charge.succeeded",
            {"customer": "cus_1", "metadata": {"user_id": "u-2"}}
            | {"billing_details": {"email": "someone@else.org"}},
            ["stripe_customer_id:cus_1"],
        ),
    ],
)  # fmt: skip
def test_who_an_object_of_stripe_belongs_to(
    type_: str, found: dict[str, Any], identifiers: list[str]
) -> None:
    assert named(read(Vendor.STRIPE, stripe(type_, found))) == identifiers


def test_customers_of_a_connected_account_are_its_own() -> None:
    body = stripe("invoice.paid", {"customer": "cus_1"}, account="acct_9")

    assert named(read(Vendor.STRIPE, body)) == ["stripe_customer_id:acct_9/cus_1"]


@pytest.mark.parametrize("meant", [True, False])
def test_the_other_mode_of_stripe_is_passed_over(meant: bool) -> None:
    options, found = Options(livemode=meant), {"customer": "cus_1"}

    assert is_ignored(read(Vendor.STRIPE, stripe("x", found, livemode=not meant), None, options))
    assert named(read(Vendor.STRIPE, stripe("x", found, livemode=meant), None, options))


def test_what_names_nobody_at_stripe_is_passed_over() -> None:
    assert is_ignored(
        read(Vendor.STRIPE, stripe("product.created", {"id": "prod_1", "name": "Tea"}))
    )


def test_of_a_thin_event_only_the_ids_are_kept() -> None:
    thin = {
        "id": "evt_2",
        "object": "v2.core.event",
        "type": "v2.core.account.updated",
        "created": "2026-11-18T11:06:30.000Z",
        "livemode": True,
        "related_object": {"id": "cus_7", "type": "customer", "url": "/v1/customers/cus_7"},
    }

    event = one(read(Vendor.STRIPE, thin))

    assert list(map(str, event.identifiers)) == ["stripe_customer_id:cus_7"]
    assert (event.message_id, event.at) == ("evt_2", AT)
    assert is_ignored(read(Vendor.STRIPE, thin | {"related_object": {"id": "acct_1"}}))


def test_a_customer_that_stripe_deleted_is_a_request() -> None:
    received = read(
        Vendor.STRIPE, stripe("customer.deleted", {"id": "cus_1", "object": "customer"})
    )

    assert notices(received) == [(NoticeKind.DELETION, ["stripe_customer_id:cus_1"])]
    assert named(received) == ["stripe_customer_id:cus_1"]


# Customer.io


def cio(**given: Any) -> dict[str, Any]:
    data = {"identifiers": {"id": "u-1", "email": "a@x.org", "cio_id": "d9c1"}}
    data |= {"recipient": "shared@x.org", "email_address": "shared@x.org", "delivery_id": "dlv"}
    event = {"event_id": "01E", "object_type": "email", "metric": "clicked", "timestamp": AT_S}
    return {**event, "data": data, **given}


def test_a_report_of_customerio_is_an_event_of_the_person_and_not_of_the_recipient() -> None:
    received = read(Vendor.CUSTOMERIO, cio())

    assert named(received) == ["user_id:u-1", "email:a@x.org", "cio_id:d9c1"]
    event = one(received)
    assert (event.message_id, event.name, event.at) == ("01E", "Email Link Clicked", AT)
    assert event.properties["delivery_id"] == "dlv"


@pytest.mark.parametrize(
    ("object_type", "metric", "name"),
    [
        ("email", "delivered", "Email Delivered"),
        ("email", "opened", "Email Opened"),
        ("email", "spammed", "Email Marked as Spam"),
        ("sms", "sent", "SMS Sent"),
        ("in_app", "clicked", "In-App Link Clicked"),
        ("push", "opened", "Push Opened"),
        ("customer", "unsubscribed", "Customer Unsubscribed"),
    ],
)
def test_reports_have_the_names_of_segments_source(
    object_type: str, metric: str, name: str
) -> None:
    assert one(read(Vendor.CUSTOMERIO, cio(object_type=object_type, metric=metric))).name == name


@pytest.mark.parametrize(
    ("data", "identifiers"),
    [
        ({"customer_id": "u-2"}, ["user_id:u-2"]),
        ({"customer_id": "u-2", "identifiers": {"anonymous_id": "a-1"}}, ["anonymous_id:a-1"]),
        ({"identifiers": {"id": "a@x.org", "email": "a@x.org"}}, ["email:a@x.org"]),
    ],
)
def test_other_ways_in_which_customerio_names_people(
    data: dict[str, Any], identifiers: list[str]
) -> None:
    assert named(read(Vendor.CUSTOMERIO, cio(data=data))) == identifiers


@pytest.mark.parametrize("body", [cio(data={}), cio(data={"recipient": "a@x.org"}), [], "x"])
def test_a_bad_event_of_customerio_is_rejected_and_not_an_error(body: object) -> None:
    assert len(read(Vendor.CUSTOMERIO, body).collected.rejections) == 1


# HubSpot


def hub(subscription: str, **given: Any) -> dict[str, Any]:
    return {
        "eventId": 1,
        "subscriptionId": 12,
        "portalId": 33,
        "appId": 1160452,
        "occurredAt": AT,
        "subscriptionType": subscription,
        "attemptNumber": 0,
        "objectId": 123,
        **given,
    }


def test_a_contact_of_hubspot_is_named_by_portal_and_object() -> None:
    received = read(Vendor.HUBSPOT, [hub("contact.creation")])

    assert named(received) == ["hubspot_contact_id:33/123"]
    assert (one(received).name, one(received).at) == ("contact.creation", AT)


@pytest.mark.parametrize(
    ("name", "value", "identifiers"),
    [
        ("email", "a@x.org", ["email:a@x.org"]),
        ("email", "", []),
        ("phone", "+4915", ["phone:+4915"]),
        ("mobilephone", "+4916", ["phone:+4916"]),
        ("lifecyclestage", "customer", []),
    ],
)
def test_a_property_that_changed_is_a_trait(name: str, value: str, identifiers: list[str]) -> None:
    changed = hub("contact.propertyChange", propertyName=name, propertyValue=value)

    received = read(Vendor.HUBSPOT, [changed])

    assert one(received).traits[name] == (value or None)
    assert named(received) == [*identifiers, "hubspot_contact_id:33/123"]


def test_each_notice_of_a_list_is_read_by_itself() -> None:
    listed = [hub("contact.creation"), "junk", hub("company.creation"), hub("contact.restore")]

    received = read(Vendor.HUBSPOT, listed)

    assert [event.name for event in received.collected.events] == [
        "contact.creation",
        "contact.restore",
    ]
    assert len(received.collected.rejections) == len(received.ignored) == 1


def test_a_generic_subscription_to_contacts_is_one_to_contacts() -> None:
    assert named(read(Vendor.HUBSPOT, [hub("object.creation", objectTypeId="0-1")]))
    assert is_ignored(read(Vendor.HUBSPOT, [hub("object.creation", objectTypeId="0-3")]))


def test_a_notice_that_hubspot_sends_again_is_the_same_event() -> None:
    first, second = (
        one(read(Vendor.HUBSPOT, [hub("contact.creation", attemptNumber=n)])) for n in (0, 3)
    )
    other = one(read(Vendor.HUBSPOT, [hub("contact.creation", objectId=124)]))

    assert first.identity == second.identity
    assert first.message_id != other.message_id


def test_of_a_merge_at_hubspot_the_new_contact_lives_on() -> None:
    merge = {"primaryObjectId": 1, "mergedObjectIds": [2, 3], "newObjectId": 4}

    received = read(Vendor.HUBSPOT, [hub("contact.merge", **merge)])

    assert named(received) == ["hubspot_contact_id:33/4"]
    assert notices(received) == [
        (NoticeKind.MERGE, ["hubspot_contact_id:33/4", f"hubspot_contact_id:33/{gone}"])
        for gone in (1, 2, 3)
    ]


def test_a_merge_at_hubspot_that_keeps_the_primary_contact_ends_the_others_only() -> None:
    merge = {"primaryObjectId": 1, "mergedObjectIds": [2, 1], "newObjectId": 1}

    received = read(Vendor.HUBSPOT, [hub("contact.merge", **merge)])

    assert [named for _, named in notices(received)] == [
        ["hubspot_contact_id:33/1", "hubspot_contact_id:33/2"]
    ]


def test_a_privacy_deletion_at_hubspot_is_a_request_and_no_event() -> None:
    received = read(Vendor.HUBSPOT, [hub("contact.privacyDeletion")])

    assert notices(received) == [(NoticeKind.ERASURE, ["hubspot_contact_id:33/123"])]
    assert received.collected.events == ()


def test_a_contact_that_hubspot_deleted_is_a_request() -> None:
    received = read(Vendor.HUBSPOT, [hub("contact.deletion")])

    assert notices(received) == [(NoticeKind.DELETION, ["hubspot_contact_id:33/123"])]
    assert one(received).name == "contact.deletion"


# Shopify


def shopify(topic: str, body: dict[str, Any], note: str | None = None) -> Received:
    headers = {**SHOP, "x-shopify-topic": topic}
    return read(Vendor.SHOPIFY, body, headers, Options(note_attribute=note))


def test_an_order_of_shopify_names_customer_cart_and_checkout() -> None:
    received = shopify(
        "orders/create",
        {
            "id": 5,
            "email": "a@x.org",
            "contact_email": "b@x.org",
            "phone": None,
            "cart_token": "c1?key=abc",
            "checkout_token": "k1",
            "customer": {"id": 207119551, "phone": "+4915", "first_name": "Ann"},
            "note_attributes": [{"name": "aid", "value": "a-1"}],
        },
    )

    assert named(received) == [
        "email:a@x.org",
        "phone:+4915",
        "shopify_customer_id:s.myshopify.com/207119551",
        "cart_token:c1",
        "checkout_token:k1",
    ]
    event = one(received)
    assert (event.name, event.message_id, event.at) == ("Order Completed", "w-1", AT)


def test_a_guest_of_shopify_is_named_by_the_address() -> None:
    received = shopify("checkouts/create", {"token": "k1", "customer": None, "email": "g@x.org"})

    assert named(received) == ["email:g@x.org", "checkout_token:k1"]


def test_a_cart_of_shopify_is_a_device() -> None:
    assert named(shopify("carts/update", {"token": "c1", "note": None})) == ["cart_token:c1"]


@pytest.mark.parametrize(("note", "found"), [("aid", ["anonymous_id:a-1"]), (None, []), ("x", [])])
def test_the_note_attribute_that_the_source_names_is_the_browser(
    note: str | None, found: list[str]
) -> None:
    order = {"email": "a@x.org", "note_attributes": [{"name": "aid", "value": "a-1"}, 7]}

    assert named(shopify("orders/paid", order, note)) == [*found, "email:a@x.org"]


def test_a_customer_of_shopify_is_the_body_itself() -> None:
    received = shopify("customers/update", {"id": 7, "email": "a@x.org", "phone": "+4915"})

    assert named(received) == [
        "email:a@x.org",
        "phone:+4915",
        "shopify_customer_id:s.myshopify.com/7",
    ]


def test_a_consent_at_shopify_is_kept_with_whom_it_is_of() -> None:
    consent = {"customer_id": 7, "email_address": "a@x.org"}
    consent |= {"email_marketing_consent": {"state": "subscribed"}}

    received = shopify("customers/email_marketing_consent_update", consent)

    assert named(received) == ["email:a@x.org", "shopify_customer_id:s.myshopify.com/7"]
    assert one(received).properties["email_marketing_consent"] == {"state": "subscribed"}


MERGE = {
    "admin_graphql_api_customer_kept_id": "gid://shopify/Customer/1",
    "admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/2",
    "admin_graphql_api_job_id": None,
    "errors": [{"customer_ids": [1], "field": "merge_in_progress", "message": "busy"}],
}


@pytest.mark.parametrize("status", ["failed", "in_progress", None])
def test_a_merge_at_shopify_that_is_not_completed_changes_nothing(status: str | None) -> None:
    assert is_ignored(shopify("customers/merge", {**MERGE, "status": status}))


def test_a_completed_merge_at_shopify_is_a_notice_beside_an_event_of_who_is_kept() -> None:
    received = shopify("customers/merge", {**MERGE, "status": "completed"})

    kept, gone = (f"shopify_customer_id:s.myshopify.com/{number}" for number in (1, 2))
    assert notices(received) == [(NoticeKind.MERGE, [kept, gone])]
    assert named(received) == [kept]


@pytest.mark.parametrize(
    ("topic", "kind"),
    [
        ("customers/redact", NoticeKind.ERASURE),
        ("customers/data_request", NoticeKind.ACCESS),
    ],
)
def test_a_privacy_topic_of_shopify_is_a_request_and_no_event(topic: str, kind: NoticeKind) -> None:
    person = {"id": 7, "email": "a@x.org", "phone": ""}

    received = shopify(topic, {"shop_domain": "s.myshopify.com", "customer": person})

    assert notices(received) == [(kind, ["shopify_customer_id:s.myshopify.com/7", "email:a@x.org"])]
    assert received.collected.events == ()


def test_the_redaction_of_a_shop_is_a_request_about_nobody_in_particular() -> None:
    received = shopify("shop/redact", {"shop_id": 1, "shop_domain": "s.myshopify.com"})

    assert notices(received) == [(NoticeKind.ERASURE, [])]


def test_topics_about_things_are_passed_over() -> None:
    assert is_ignored(shopify("products/update", {"id": 1}))


# Zendesk


def zendesk(type_: str, **detail: Any) -> dict[str, Any]:
    known = {"id": "6596848315901", "external_id": "u-1", "email": "a@x.org", "role": "end-user"}
    return {
        "type": type_,
        "id": "01Z",
        "time": "2026-11-18T11:06:30Z",
        "account_id": 22129848,
        "detail": {**known, **detail},
        "event": {"current": "a", "previous": "b"},
    }


@pytest.mark.parametrize("sign", [":", "/"])
def test_a_user_of_zendesk_is_read_in_both_spellings_of_the_type(sign: str) -> None:
    body = zendesk(f"zen:event-type{sign}user.created", organization_id="o-1")

    received = read(Vendor.ZENDESK, body)

    assert named(received) == ["user_id:u-1", "email:a@x.org", "zendesk_user_id:6596848315901"]
    event = one(received)
    assert (event.name, event.message_id, event.at) == ("user.created", "01Z", AT)
    assert event.account_id == "o-1"


@pytest.mark.parametrize("role", ["agent", "admin", None])
def test_agents_of_zendesk_are_passed_over(role: str | None) -> None:
    assert is_ignored(read(Vendor.ZENDESK, zendesk("zen:event-type:user.created", role=role)))


def test_a_merge_at_zendesk_is_kept_and_no_notice() -> None:
    received = read(Vendor.ZENDESK, zendesk("zen:event-type:user.merged"))

    assert one(received).properties["event"] == {"current": "a", "previous": "b"}
    assert not received.collected.notices


def test_a_user_that_zendesk_deleted_is_a_request() -> None:
    received = read(Vendor.ZENDESK, zendesk("zen:event-type:user.deleted"))

    assert notices(received) == [(NoticeKind.DELETION, ["zendesk_user_id:6596848315901"])]


# Intercom


def intercom(topic: str, item: dict[str, Any]) -> Received:
    body = {"type": "notification_event", "id": "notif_1", "topic": topic, "created_at": AT_S}
    return read(Vendor.INTERCOM, {**body, "app_id": "ap", "data": {"item": item}})


def test_a_contact_of_intercom_is_the_item() -> None:
    item = {"type": "contact", "id": "5ba", "external_id": "u-1", "email": "a@x.org"}

    received = intercom("contact.user.created", item)

    assert named(received) == ["user_id:u-1", "email:a@x.org", "intercom_contact_id:5ba"]
    assert (one(received).message_id, one(received).at) == ("notif_1", AT)


@pytest.mark.parametrize(("people", "is_read"), [(0, False), (1, True), (2, False)])
def test_a_conversation_names_its_contact_only_where_it_has_one(people: int, is_read: bool) -> None:
    contacts = [{"type": "contact", "id": f"c{n}"} for n in range(people)]

    received = intercom(
        "conversation.user.created", {"type": "conversation", "contacts": {"contacts": contacts}}
    )

    assert is_ignored(received) is not is_read


def test_a_ping_of_intercom_is_passed_over() -> None:
    assert is_ignored(intercom("ping", {"type": "ping"}))


def test_a_contact_that_intercom_deleted_is_a_request() -> None:
    received = intercom("contact.deleted", {"type": "contact", "id": "5ba"})

    assert notices(received) == [(NoticeKind.DELETION, ["intercom_contact_id:5ba"])]


# mParticle and Segment


def test_the_identities_of_mparticle_are_a_list() -> None:
    body = {
        "mpid": "-5384384720837470000",
        "user_identities": [
            {"identity_type": "customer_id", "identity": "u-1"},
            {"identity_type": "email", "identity": "a@x.org"},
        ],
        "events": [
            {
                "event_type": "custom_event",
                "message_id": "m-1",
                "data": {"event_name": "signed up", "timestamp_unixtime_ms": AT},
            }
        ],
    }

    received = read(Vendor.MPARTICLE, body)

    assert named(received) == ["user_id:u-1", "email:a@x.org", "mpid:-5384384720837470000"]
    assert (one(received).message_id, one(received).name) == ("m-1", "signed up")


def test_the_body_of_segments_webhook_is_a_call() -> None:
    call = {"type": "track", "event": "Seen", "userId": "u-1", "messageId": "s-1"}

    assert named(read(Vendor.SEGMENT, call)) == ["user_id:u-1"]
