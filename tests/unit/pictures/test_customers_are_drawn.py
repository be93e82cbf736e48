"""What stands in the pictures of one customer. Nothing is rendered here."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from identity_service.domain.identifiers import IdentifierKind
from identity_service.domain.recorded import (
    DecidedLink,
    LinkDecision,
    RecordedEvent,
    SeenIdentifier,
    SettledCustomer,
)
from identity_service.domain.resolution.clusters import RefusalReason
from identity_service.domain.resolution.id_register import CustomerKind
from identity_service.pictures import Picture, draw_customer_timeline, draw_graph
from identity_service.services.read.customer_graph import CustomerGraph, CustomerTimeline

BEGIN = 1_773_576_000_000
MINUTE = 60_000
JOINED = LinkDecision(True, "One customer.", None, None, ())
REFUSED = LinkDecision(False, "Kept apart.", RefusalReason.QUARANTINE, None, ())


def seen(name: str, *, contested: bool = False) -> SeenIdentifier:
    kind, _, value = name.partition(":")
    device = kind == "anonymous_id"
    return SeenIdentifier(
        f"s/{name}",
        kind,
        value,
        BEGIN,
        BEGIN + MINUTE,
        contested,
        False,
        IdentifierKind.DEVICE if device else IdentifierKind.PERSON,
    )


def link(a: SeenIdentifier, b: SeenIdentifier, times: int, decision: LinkDecision) -> DecidedLink:
    return DecidedLink(a, b, BEGIN, BEGIN, times, ("shop",), decision)


def customer(*identifiers: SeenIdentifier) -> SettledCustomer:
    return SettledCustomer(
        "cus_1", CustomerKind.KNOWN, 1, 1, 0, BEGIN, BEGIN, len(identifiers), identifiers
    )


def event(number: int, minute: int, name: str | None = "Home") -> RecordedEvent:
    at = BEGIN + minute * MINUTE
    kind = "track" if name else "identify"
    return RecordedEvent(f"s/m{number}", f"m{number}", kind, name, at, at, 0, "shop", "{}")


def values(picture: Picture, name: str) -> list[dict[str, Any]]:
    return next(each["values"] for each in picture.spec["data"] if each["name"] == name)


USER, PHONE = seen("user_id:ann"), seen("anonymous_id:phone")
TABLET = seen("anonymous_id:tablet", contested=True)


def test_a_refused_link_is_dashed_with_its_reason_and_a_frequent_one_is_wide() -> None:
    links = [link(USER, PHONE, 64, JOINED), link(TABLET, USER, 1, REFUSED)]

    drawn = draw_graph(CustomerGraph(customer(USER, PHONE), links, more=False))

    joined, refused = values(drawn, "links")
    assert (joined["dash"], joined["reason"]) == ([], "")
    assert (refused["dash"], refused["reason"]) == ([5, 4], "QUARANTINE")
    assert joined["width"] > refused["width"]
    assert {node["name"] for node in values(drawn, "nodes")} == {
        "user_id:ann",
        "anonymous_id:phone",
        "anonymous_id:tablet",
    }


def test_no_two_names_of_a_graph_stand_on_each_other() -> None:
    many = [seen(f"anonymous_id:{n}") for n in range(77)]
    links = [link(USER, each, 1, JOINED) for each in many]

    nodes = values(draw_graph(CustomerGraph(customer(USER, *many), links, more=False)), "nodes")

    assert len(nodes) == 78
    for side in ("left", "right"):
        ys = sorted(node["y"] for node in nodes if node["side"] == side)
        assert all(b - a >= 20 for a, b in pairwise(ys))


def test_a_graph_that_does_not_fit_says_so() -> None:
    links = [link(USER, PHONE, 1, JOINED)]
    big = [seen(f"anonymous_id:{n}") for n in range(400)]

    some = draw_graph(CustomerGraph(customer(USER, PHONE), links, more=True))
    few = draw_graph(CustomerGraph(customer(USER, *big), links, more=False))

    assert any("seen most often" in line for line in some.spec["title"]["subtitle"])
    assert any("only 300" in line for line in few.spec["title"]["subtitle"])
    assert len(values(few, "nodes")) == 301


def test_an_identifier_alone_is_a_graph_too() -> None:
    drawn = draw_graph(CustomerGraph(customer(USER), [], more=False))

    assert [node["name"] for node in values(drawn, "nodes")] == ["user_id:ann"]


def test_long_values_are_cut_in_their_middle_where_ids_are_alike() -> None:
    one, two = (seen(f"anonymous_id:b7c1f6e0-3a52-4d0f-9c55-0a4e5d1c010{n}") for n in (1, 2))

    nodes = values(draw_graph(CustomerGraph(customer(one, two), [], more=False)), "nodes")

    assert len({node["name"] for node in nodes}) == 2
    assert all(len(node["name"]) < 45 for node in nodes)


def test_a_session_ends_with_a_pause_of_more_than_half_an_hour() -> None:
    events = [(event(n, minute), [USER, PHONE]) for n, minute in enumerate((0, 30, 61))]

    drawn = draw_customer_timeline(CustomerTimeline(customer(USER), events, 3))

    assert [band["began"] for band in values(drawn, "sessions")] == [
        "2026-03-15 12:00",
        "2026-03-15 13:01",
    ]


def test_a_lane_is_the_device_of_an_event_else_who_it_names() -> None:
    events = [(event(1, 0), [USER, PHONE]), (event(2, 1, None), [USER])]

    drawn = draw_customer_timeline(CustomerTimeline(customer(USER), events, 2))

    assert [lane["name"] for lane in values(drawn, "lanes")] == [
        "anonymous_id:phone",
        "user_id:ann",
    ]
    assert [point["step"] for point in values(drawn, "events")] == ["Home", "(identify)"]


def test_steps_beyond_the_colours_that_can_be_told_apart_are_others() -> None:
    events = [(event(n, n, f"Step {n:02}"), [PHONE]) for n in range(12)]

    drawn = draw_customer_timeline(CustomerTimeline(customer(USER), events, 50))

    steps = [point["step"] for point in values(drawn, "events")]
    assert len(set(steps)) == 9
    assert steps[-1] == "other steps"
    assert "50 events · the latest 12 are drawn" in drawn.spec["title"]["subtitle"]


def test_a_customer_without_events_is_a_sentence() -> None:
    drawn = draw_customer_timeline(CustomerTimeline(customer(USER), [], 0))

    assert drawn.spec["data"]["values"] == [{"said": "There are no events to draw."}]
