"""Definitions of destinations: what is read, and every mistake at its path."""

from __future__ import annotations

import pytest

from identity_service.activation.definition import (
    Attribute,
    Definition,
    Merge,
    Names,
    Origin,
    check_secrets,
    parse_definition,
)
from identity_service.activation.vendors import DestinationVendor, rules_of
from identity_service.errors import DestinationInvalid

CUSTOMERIO = rules_of(DestinationVendor.CUSTOMERIO)
SITE = "connection: {site_id: s}\n"


def test_a_whole_definition_is_read() -> None:
    text = """
    key: [email]
    attributes:
      first_name: trait.first.name
      orders: feature.orders_30d
      phone: identifier.phone
      emails: identifiers.email
    audiences: {cart_abandoned: in_cart}
    events: {Order Completed: order_completed}
    consent: marketing
    merge: vendor
    names: {universal_id: cids_id}
    requests_per_second: 5
    connection: {site_id: 12, region: eu}
    """

    assert parse_definition(text, CUSTOMERIO) == Definition(
        key=("email",),
        attributes={
            "first_name": Attribute(Origin.TRAIT, "first.name"),
            "orders": Attribute(Origin.FEATURE, "orders_30d"),
            "phone": Attribute(Origin.IDENTIFIER, "phone"),
            "emails": Attribute(Origin.IDENTIFIERS, "email"),
        },
        audiences={"cart_abandoned": "in_cart"},
        events={"Order Completed": "order_completed"},
        consent="marketing",
        merge=Merge.VENDOR,
        names=Names(universal_id="cids_id"),
        requests_per_s=5.0,
        connection={"site_id": "12", "region": "eu"},
    )


def test_what_is_not_said_is_as_the_vendor_has_it() -> None:
    plain = parse_definition(SITE, CUSTOMERIO)
    mailchimp = parse_definition(
        "connection: {data_center: us1, list_id: l}", rules_of(DestinationVendor.MAILCHIMP)
    )

    assert plain.key == ("user_id", "email", "universal_id")
    assert (plain.merge, plain.consent, plain.audiences) == (Merge.MARK, None, {})
    assert mailchimp.key == ("email",)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("- a", "definition"),
        ("", "connection.site_id"),
        (SITE + "kee: email", "kee"),
        (SITE + "key: [device]", "key"),
        (SITE + "key: []", "key"),
        (SITE + "attributes: {a: first_name}", "attributes.a"),
        (SITE + "attributes: {a: traits.first_name}", "attributes.a"),
        (SITE + "attributes: [a]", "attributes"),
        (SITE + "audiences: {a: ''}", "audiences.a"),
        (SITE + "events: {Ordered: ''}", "events.Ordered"),
        (SITE + "events: [Ordered]", "events"),
        (SITE + "consent: 3", "consent"),
        (SITE + "merge: always", "merge"),
        (SITE + "names: {id: x}", "names.id"),
        (SITE + "requests_per_second: 0", "requests_per_second"),
        (SITE + "requests_per_second: true", "requests_per_second"),
        (SITE + "audiences: {a: universal_id}", "universal_id"),
        (SITE + "attributes: {x: trait.a}\naudiences: {a: x}", "x"),
        ("connection: {site_id: s, host: x}", "connection.host"),
        ("connection: {site_id: [s]}", "connection.site_id"),
        (SITE + "merge: mark\nmerge: vendor", "merge"),
    ],
)
def test_a_mistake_is_named_at_its_path(text: str, path: str) -> None:
    with pytest.raises(DestinationInvalid) as refused:
        parse_definition(text, CUSTOMERIO)

    assert [problem.path for problem in refused.value.problems] == [path]


def test_a_vendor_that_merges_nothing_is_not_asked_to() -> None:
    with pytest.raises(DestinationInvalid, match="cannot merge"):
        parse_definition("merge: vendor", rules_of(DestinationVendor.INTERCOM))


@pytest.mark.parametrize("vendor", ["hubspot", "mailchimp", "sql", "files"])
def test_a_vendor_that_takes_no_events_is_not_asked_to(vendor: str) -> None:
    with pytest.raises(DestinationInvalid, match="events: the vendor takes no events"):
        parse_definition("events: {Ordered: ordered}", rules_of(DestinationVendor(vendor)))


@pytest.mark.parametrize(
    ("secrets", "path"),
    [({}, "api_key"), ({"api_key": " "}, "api_key"), ({"api_key": "k", "other": "o"}, "other")],
)
def test_secrets_are_those_that_the_vendor_asks_for(secrets: dict[str, str], path: str) -> None:
    with pytest.raises(DestinationInvalid) as refused:
        check_secrets(secrets, CUSTOMERIO)

    assert [problem.path for problem in refused.value.problems] == [f"secrets.{path}"]
    check_secrets({"api_key": "k"}, CUSTOMERIO)
