"""Events of PostHog's SDKs, as events of the tracking API."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from identity_service.collect.posthog import KEY, plain, read_events, read_flags, results
from identity_service.collect.segment import Collected
from identity_service.domain.events import ReportedEvent
from identity_service.errors import BadInput, TooLarge

NOW = 1_795_293_256_500
BROWSER = "3f1b0c52-7c5e-4f0e-9d59-3b6d6a0e11aa"
OTHER_BROWSER = "9a7e21d4-58b1-4f6c-8c3b-51f0b7c2d0bb"


def new_id() -> str:
    return "new"


def read(*events: Any, **about: Any) -> Collected:
    return read_events({"batch": list(events)}, NOW, new_id, **about)


def one(name: str, distinct_id: Any, *, sdk: str | None = None, **event: Any) -> ReportedEvent:
    collected = read({"event": name, "distinct_id": distinct_id, **event}, sdk=sdk)
    assert collected.rejections == ()
    [read_one] = collected.events
    return read_one


def named(event: ReportedEvent) -> list[str]:
    return [f"{each.type}:{each.value}" for each in event.identifiers]


# -- whom an event names -----------------------------------------------------------------------


def test_identify_joins_the_login_with_the_browser_and_its_device() -> None:
    properties = {"$anon_distinct_id": BROWSER, "$device_id": "device"}

    event = one("$identify", "u-1", properties=properties)

    assert event.type == "identify"
    assert named(event) == ["user_id:u-1", f"anonymous_id:{BROWSER}", "anonymous_id:device"]


def test_a_login_that_is_a_uuid_is_also_the_anonymous_id_that_it_is_on_other_events() -> None:
    alone = one("$identify", BROWSER)
    after_another = one("$identify", BROWSER, properties={"$anon_distinct_id": OTHER_BROWSER})

    assert named(alone) == [f"user_id:{BROWSER}", f"anonymous_id:{BROWSER}"]
    assert named(after_another) == [
        f"user_id:{BROWSER}",
        f"anonymous_id:{OTHER_BROWSER}",
        f"anonymous_id:{BROWSER}",
    ]


@pytest.mark.parametrize(
    ("distinct_id", "properties"),
    [
        ("x-1", {"$is_identified": False}),
        ("x-1", {"$process_person_profile": False}),
        ("x-1", {"$device_id": "x-1"}),
        (BROWSER, {}),
        (BROWSER.upper(), {}),
        (BROWSER, {"$device_id": BROWSER, "$is_identified": True}),
    ],
)
def test_an_id_of_nobody_who_is_known_is_anonymous(
    distinct_id: str, properties: dict[str, Any]
) -> None:
    event = one("clicked", distinct_id, properties=properties)

    assert named(event) == [f"anonymous_id:{distinct_id}"]


@pytest.mark.parametrize(
    ("distinct_id", "properties"),
    [
        ("u-1", {}),
        ("u-1", {"$is_identified": True}),
        (BROWSER, {"$is_identified": True}),
        ("ann@example.com", {}),
        (1001, {}),
    ],
)
def test_any_other_id_is_a_login(distinct_id: object, properties: dict[str, Any]) -> None:
    event = one("clicked", distinct_id, properties={**properties, "$device_id": "d"})

    assert named(event) == [f"user_id:{distinct_id}", "anonymous_id:d"]


def test_the_newer_route_says_in_its_options_that_nobody_is_known() -> None:
    assert named(one("e", "x-1", options={"process_person_profile": False})) == ["anonymous_id:x-1"]
    assert named(one("e", "x-1", options={})) == ["user_id:x-1"]


def test_the_id_may_stand_in_the_properties_only() -> None:
    [event] = read({"event": "e", "properties": {"distinct_id": "u-1"}}).events

    assert named(event) == ["user_id:u-1"]


@pytest.mark.parametrize("junk", [None, "", {}, [], True, {"a": 1}])
def test_an_event_without_an_id_is_set_aside_alone(junk: object) -> None:
    collected = read(
        7, {"event": "e", "distinct_id": junk, "uuid": "m"}, {"event": "e", "distinct_id": "u"}
    )

    assert [named(event) for event in collected.events] == [["user_id:u"]]
    assert [each.code.value for each in collected.rejections] == ["NOT_AN_OBJECT", "NO_IDENTIFIER"]


def test_visitors_whose_browsers_keep_nothing_are_not_one() -> None:
    event = {"event": "$pageview", "distinct_id": "$posthog_cookieless"}

    collected = read({**event, "properties": {"$device_id": None, "$is_identified": False}})

    assert [each.code.value for each in collected.rejections] == ["NO_IDENTIFIER"]


@pytest.mark.parametrize(
    ("sdk", "distinct_id", "alias"),
    [
        ("posthog-python", "legacy-77", "u-1"),
        ("posthog-node", "u-1", "legacy-77"),
        ("web", "u-1", "legacy-77"),
        (None, "u-1", "legacy-77"),
    ],
)
@pytest.mark.parametrize("says_so", ["event", "request"])
def test_an_alias_is_read_in_the_direction_of_its_sdk(
    sdk: str | None, distinct_id: str, alias: str, says_so: str
) -> None:
    properties = {"alias": alias} | ({"$lib": sdk} if says_so == "event" else {})

    event = one(
        "$create_alias",
        distinct_id,
        properties=properties,
        sdk=sdk if says_so == "request" else None,
    )

    assert event.type == "alias"
    assert named(event) == ["user_id:u-1", "anonymous_id:legacy-77"]


def test_an_alias_of_a_browser_that_nobody_has_signed_in_on_names_no_login() -> None:
    event = one("$create_alias", BROWSER, properties={"alias": "a-0", "$is_identified": False})

    assert named(event) == [f"anonymous_id:{BROWSER}", "anonymous_id:a-0"]


def test_no_merge_joins_two_logins() -> None:
    event = one("$merge_dangerously", "u-1", properties={"alias": "u-2"})

    assert named(event) == ["user_id:u-1", "anonymous_id:u-2"]


# -- what is said of people and accounts -------------------------------------------------------


def test_traits_come_from_the_top_and_from_the_properties() -> None:
    [event] = read(
        {
            "event": "$set",
            "distinct_id": "u-1",
            "$set": {"plan": "pro"},
            "$set_once": {"plan": "free", "first": "x"},
            "properties": {
                "$set": {"email": "a@b.example"},
                "$set_once": {"email": "old@b.example"},
            },
        }
    ).events

    assert event.type == "identify"
    assert event.traits == {"plan": "pro", "first": "x", "email": "a@b.example"}
    assert named(event) == ["user_id:u-1", "email:a@b.example"]


def test_traits_beside_another_event_are_the_person_s_too() -> None:
    event = one("signed up", "u-1", properties={"plan": "pro", "$set": {"phone": "+14155550123"}})

    assert (event.type, event.name) == ("track", "signed up")
    assert event.context_traits == {"phone": "+14155550123"}
    assert event.properties == {"plan": "pro"}
    assert named(event) == ["user_id:u-1", "phone:+14155550123"]


def test_an_e_mail_address_among_the_properties_identifies_nobody() -> None:
    event = one("newsletter subscribed", BROWSER, properties={"email": "a@b.example"})

    assert named(event) == [f"anonymous_id:{BROWSER}"]


def test_a_group_has_traits_of_its_own() -> None:
    properties = {
        "$group_type": "company",
        "$group_key": "acct-9",
        "$group_set": {"name": "Engines", "email": "office@engines.example"},
    }

    event = one("$groupidentify", "u-1", properties=properties)

    assert (event.type, event.account_id) == ("group", "acct-9")
    assert event.account_traits == {"name": "Engines", "email": "office@engines.example"}
    assert named(event) == ["user_id:u-1"]


def test_the_id_that_sdks_make_up_for_a_group_is_nobody() -> None:
    properties = {"$group_type": "company", "$group_key": "acct-9"}

    collected = read(
        {"event": "$groupidentify", "distinct_id": "$company_acct-9", "properties": properties}
    )

    assert [each.code.value for each in collected.rejections] == ["NO_IDENTIFIER"]


def test_an_event_belongs_to_the_first_of_its_groups() -> None:
    event = one("e", "u-1", properties={"$groups": {"company": "acct-9", "project": "p-1"}})

    assert event.account_id == "acct-9"


# -- kinds, times, ids -------------------------------------------------------------------------


def test_pages_and_screens_are_what_they_are_elsewhere() -> None:
    address = "https://shop.example/pricing?utm_source=news"

    page = one("$pageview", BROWSER, properties={"$current_url": address, "$referrer": "$direct"})
    screen = one("$screen", "u-1", properties={"$screen_name": "Home"})

    assert page.type == "page"
    assert page.context["page"] == {"url": address, "path": "/pricing", "referrer": "$direct"}
    assert (screen.type, screen.name) == ("screen", "Home")


def test_an_event_is_known_by_its_uuid() -> None:
    assert one("e", "u", uuid="m-1").message_id == "m-1"
    assert one("e", "u", properties={"$insert_id": "m-2"}).message_id == "m-2"


def test_its_time_is_corrected_by_when_it_was_sent() -> None:
    event = {"event": "e", "distinct_id": "u", "timestamp": "2026-11-21T20:33:14.158273+00:00"}
    a_day_early = "2026-11-21T20:33:16+00:00"

    by_body = read_events({"batch": [event], "sent_at": a_day_early}, NOW, new_id)
    by_request = read(event, sent_at=a_day_early)
    uncorrected = read(event)

    assert [one.at for one in (*by_body.events, *by_request.events)] == [NOW - 1_842] * 2
    assert uncorrected.events[0].at == 1_795_293_194_158


def test_an_event_of_a_browser_s_queue_says_how_long_ago_it_happened() -> None:
    queued = {"event": "e", "properties": {"distinct_id": "u"}, "uuid": "m", "offset": 2_500}

    [event] = read_events([queued], NOW, new_id, sent_at=str(NOW - 86_400_000)).events
    [again] = read_events([queued], NOW + 60_000, new_id).events

    assert event.at == NOW - 2_500
    assert event.identity == again.identity


@pytest.mark.parametrize("offset", [-1, "soon", None, True, NOW * 2])
def test_an_offset_that_is_none_changes_nothing(offset: object) -> None:
    assert one("e", "u", offset=offset).at == NOW


@pytest.mark.parametrize("body", [[{"event": "e", "distinct_id": "u"}], {"distinct_id": "u"}])
def test_a_body_may_be_a_list_of_events_or_one(body: object) -> None:
    assert len(read_events(body, NOW, new_id).events) == 1


@pytest.mark.parametrize("body", [{}, None, "x", 7, {"batch": {}}])
def test_a_body_without_events_is_refused(body: object) -> None:
    with pytest.raises(BadInput):
        read_events(body, NOW, new_id)


def test_no_key_is_kept_with_an_event_and_no_other_token_is_lost() -> None:
    browser = {"event": "e", "properties": {"distinct_id": "u", "token": "phc_key"}}
    single = {"api_key": "phc_key", "event": "e", "distinct_id": "u", "token": "phc_key"}

    for body in ([browser], {"api_key": "phc_key", "batch": [browser]}, single, browser):
        [event] = read_events(body, NOW, new_id).events
        assert b"phc_key" not in orjson.dumps([event.properties, event.context])
    [rejected] = read_events([{"properties": {"token": "phc_key"}}], NOW, new_id).rejections
    assert b"phc_key" not in orjson.dumps(rejected.body)
    assert one("e", "u", properties={"token": "of a toy"}).properties == {"token": "of a toy"}


# -- bodies, keys, answers ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"api_key": "k", "batch": []}, "k"),
        ({"token": "k", "distinct_id": "u"}, "k"),
        ({"event": "e", "properties": {"token": "k"}}, "k"),
        ([{"event": "e", "properties": {"token": "k"}}], "k"),
        ([], None),
        ([7], None),
        ({}, None),
        (None, None),
    ],
)
def test_where_a_body_names_its_key(body: object, key: str | None) -> None:
    found = KEY.pattern.search(orjson.dumps(body))

    assert KEY.find(body) == key
    assert (found[1].decode() if found else None) == key


def test_a_form_is_read_as_the_json_in_it() -> None:
    text = json.dumps({"event": "é?>", "token": "k"}).encode()

    form = b"data=" + quote(base64.b64encode(text), safe="").encode()

    assert plain(form) == plain(form + b"&compression=base64") == plain(text) == text


@pytest.mark.parametrize("form", [b"data=%%%", b"data=a", b"data=\xff"])
def test_a_form_that_holds_no_base64_is_refused(form: bytes) -> None:
    with pytest.raises(BadInput):
        plain(form)


def test_what_a_form_hides_counts_as_what_it_does_not() -> None:
    with pytest.raises(TooLarge):
        plain(b"data=" + base64.b64encode(b"[" + b"0," * 1_000_001 + b"0]"))


def test_each_event_of_the_newer_route_has_its_result() -> None:
    collected = read(
        {"event": "e", "distinct_id": "u", "uuid": "m-1"},
        {"event": "e", "uuid": "m-2"},
        {"event": "e"},
    )

    answer = json.loads(results(collected))["results"]

    assert answer.keys() == {"m-1", "m-2"}
    assert answer["m-1"] == {"result": "ok"}
    assert answer["m-2"]["result"] == "drop"
    assert "names nobody" in answer["m-2"]["details"]


def test_who_asks_for_flags_sends_no_event() -> None:
    assert read_flags({"token": "k", "distinct_id": "u"}, NOW, new_id) == Collected((), ())
    with pytest.raises(BadInput):
        read_flags([], NOW, new_id)
