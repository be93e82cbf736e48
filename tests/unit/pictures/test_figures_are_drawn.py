"""What stands in the picture of each figure. Nothing is rendered here."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from identity_service.domain.journeys.journeys import JOURNEYS, Column, ColumnType, Journey
from identity_service.domain.journeys.parameters import Kind, Parameter
from identity_service.errors import BadInput
from identity_service.pictures import DRAWN, NOBODY, Picture, draw
from identity_service.services.journeys.figures import Figure
from tests.support.figures import ROWS, figure


def values(picture: Picture, name: str | None = None) -> list[dict[str, Any]]:
    """The data of a picture; of Vega, those of a name."""
    data: Any = picture.spec["data"]
    if name is None:
        return data["values"]
    return next(each["values"] for each in data if each["name"] == name)


def subtitle(picture: Picture) -> list[str]:
    return picture.spec["title"]["subtitle"]


def test_every_journey_that_is_drawn_in_its_own_way_is_tried_here() -> None:
    assert set(DRAWN) <= {*ROWS, "customer_path"}


@pytest.mark.parametrize("name", ROWS)
def test_the_title_is_the_question_and_the_data_are_in_the_picture(name: str) -> None:
    picture = draw(figure(name))

    assert picture.title == JOURNEYS[name].question
    assert picture.spec["title"]["text"] == JOURNEYS[name].question
    assert '"url"' not in json.dumps(picture.spec)


@pytest.mark.parametrize("name", ROWS)
def test_an_answer_without_anybody_is_a_sentence(name: str) -> None:
    picture = draw(figure(name, rows=[]))

    assert values(picture) == [{"said": NOBODY}]


def test_a_funnel_that_nobody_entered_is_a_sentence() -> None:
    rows = [("Product Viewed", 0, 0.0, None), ("Order Completed", 0, 0.0, None)]

    assert values(draw(figure("funnel", rows))) == [{"said": NOBODY}]


def test_the_subtitle_says_what_was_asked_and_nothing_that_nobody_asked() -> None:
    plain = draw(figure("flows"))
    asked = draw(
        figure(
            "flows",
            since="2026-03-01",
            until="2026-03-08T06:30:00Z",
            kinds=["KNOWN"],
            did="Signed Up",
            property="plan",
            value="pro",
            audience="loyal",
            feature="orders",
            feature_value="3",
            depth=3,
            start_event="Home",
        )
    )

    assert subtitle(plain) == ["until 2026-03-15 12:00 UTC"]
    assert " ".join(subtitle(asked)) == (
        "start event Home · depth 3 · customers that are KNOWN · of those who did Signed Up · "
        "of those with plan = pro · of those in loyal · of those whose orders is 3 · "
        "from 2026-03-01 until 2026-03-08 06:30 UTC"
    )


def test_a_funnel_has_a_bar_for_each_step_with_share_number_and_median_time() -> None:
    first, second = values(draw(figure("funnel")))

    assert (first["step"], first["caption"], first["took"]) == (
        "1. Product Viewed",
        "100.0% · 200",
        None,
    )
    assert (second["step"], second["caption"], second["took"]) == (
        "2. Order Completed",
        "25.0% · 50",
        "↓ 1.5 h",
    )


def test_a_step_that_comes_twice_in_a_funnel_has_two_bars() -> None:
    rows = [("Home", 4, 1.0, None), ("Home", 2, 0.5, 9.0)]

    drawn = values(draw(figure("funnel", rows, steps=["Home", "Home"])))

    assert [value["step"] for value in drawn] == ["1. Home", "2. Home"]


def test_a_split_funnel_compares_the_values_step_by_step() -> None:
    picture = draw(figure("funnel_by"))

    assert picture.spec["facet"]["row"]["sort"] == ["1. Product Viewed", "2. Order Completed"]
    assert [(v["step"], v["value"], v["caption"]) for v in values(picture)] == [
        ("1. Product Viewed", "free", "100.0% · 100"),
        ("2. Order Completed", "free", "20.0% · 20 · ↓ 1 min"),
        ("1. Product Viewed", "pro", "100.0% · 10"),
        ("2. Order Completed", "pro", "0.0% · 0"),
    ]


def test_a_sankey_keeps_every_customer_between_its_columns() -> None:
    picture = draw(figure("flows"))
    nodes = {(node["x"], node["name"]): node for node in values(picture, "nodes")}
    bands = values(picture, "bands")

    columns = sorted({x for x, _ in nodes})
    first, second, third = (
        {name: node for (x, name), node in nodes.items() if x == c} for c in columns
    )
    assert {name: node["customers"] for name, node in first.items()} == {"Home": 9, "Blog": 2}
    assert {name: node["customers"] for name, node in second.items()} == {
        "Pricing": 8,
        "(other)": 3,
    }
    assert {name: node["customers"] for name, node in third.items()} == {"Signed Up": 5}
    assert second["Pricing"]["ends"] == 3
    assert sum(band["customers"] for band in bands) == 16


def test_no_two_labels_of_a_sankey_stand_on_each_other() -> None:
    rows = [(1, "Home", f"Page {n}", 1) for n in range(30)] + [(1, "Home", "Big", 900)]

    nodes = values(draw(figure("flows", rows)), "nodes")

    for x in {node["x"] for node in nodes}:
        middles = sorted(node["middle"] for node in nodes if node["x"] == x)
        assert all(b - a >= 16 for a, b in pairwise(middles))


def test_what_is_folded_stands_at_the_bottom_and_in_grey() -> None:
    rows = [(1, "Home", "(other)", 90), (1, "Home", "Pricing", 6)]

    other, pricing = sorted(
        (n for n in values(draw(figure("flows", rows)), "nodes") if n["name"] != "Home"),
        key=lambda node: node["name"],
    )

    assert other["middle"] > pricing["middle"]
    assert other["colour"] != pricing["colour"]


def test_retention_leaves_out_the_first_week_and_says_the_size_of_the_cohort() -> None:
    drawn = values(draw(figure("retention")))

    assert [(v["cohort"], v["week"], v["caption"]) for v in drawn] == [
        ("2026-02-23 (10)", 1, "40.0"),
        ("2026-02-23 (10)", 2, "20.0"),
        ("2026-03-02 (20)", 1, "25.0"),
    ]


def test_retention_of_a_first_week_alone_is_a_sentence() -> None:
    (said,) = values(draw(figure("retention", [("2026-03-09", 0, 3, 1.0)])))

    assert "nobody began more than a week ago" in said["said"]


def test_times_to_convert_have_classes_that_people_read() -> None:
    drawn = values(draw(figure("time_to_convert")))

    assert [(v["name"], v["caption"]) for v in drawn] == [
        ("under 1 min", "10.0%"),
        ("1 to 10 min", "40.0%"),
        ("10 min to 1 h", "20.0%"),
        ("over 90 days", "10.0%"),
    ]


def test_a_correlation_says_on_which_side_of_zero_it_is() -> None:
    drawn = values(draw(figure("correlation")))

    assert [(v["name"], v["caption"]) for v in drawn] == [
        ("Product Added", "+0.80"),
        ("Unsubscribed", "-0.30"),
    ]


def test_attribution_has_a_bar_for_each_channel_and_way_to_count() -> None:
    drawn = values(draw(figure("attribution")))

    assert [(v["name"], v["model"], v["caption"]) for v in drawn][:5] == [
        ("google", "First touch", "3.0"),
        ("google", "Last touch", "1.0"),
        ("google", "Linear", "2.0"),
        ("google", "Time decay", "1.5"),
        ("(direct)", "First touch", "0.0"),
    ]


def test_more_rows_than_can_be_read_are_cut_and_the_picture_says_so() -> None:
    rows = [(f"Step {n}", 1_000 - n, 0.001) for n in range(150)]

    picture = draw(figure("drop_off", rows))

    assert len(values(picture)) == 100
    assert "the first 100 of 150 rows" in subtitle(picture)


def test_names_that_look_the_same_stay_apart() -> None:
    rows = [("Home\x00", 2, 0.5), ("Home ", 1, 0.25), ("x" * 900, 1, 0.25)]

    drawn = values(draw(figure("drop_off", rows)))

    assert [value["name"] for value in drawn[:2]] == ["Home ", "Home  (2)"]
    assert len(drawn[2]["name"]) == 400


def test_a_journey_of_any_names_and_numbers_is_drawn_as_bars() -> None:
    made = Journey(
        "visits",
        "Who came how often?",
        (),
        (
            Column("app", ColumnType.TEXT, ""),
            Column("device", ColumnType.TEXT, ""),
            Column("events", ColumnType.INTEGER, ""),
        ),
    )
    arguments = made.arguments({}, 0)

    drawn = values(draw(Figure(made, arguments, [("web", "a1", 12_345)])))

    assert [(value["name"], value["caption"]) for value in drawn] == [("web · a1", "12,345")]


def test_a_bar_is_the_number_that_its_share_is_of() -> None:
    drawn = values(draw(figure("changed_identities")))

    assert [(value["number"], value["caption"]) for value in drawn] == [
        (12, "12 · 12.0%"),
        (3, "3 · 3.0%"),
        (15, "15 · 15.0%"),
    ]


def test_the_path_of_a_customer_is_drawn_by_sessions_oldest_first() -> None:
    made = Journey(
        "customer_path",
        "What did one customer do?",
        (Parameter("session", Kind.DURATION, "", default="30m"),),
        (
            Column("session", ColumnType.INTEGER, ""),
            *(Column(n, ColumnType.TEXT, "") for n in ("at", "event", "source")),
            Column("identifiers", ColumnType.IDENTIFIERS, ""),
        ),
    )
    rows = [
        (2, "2026-03-01T13:00:00.000Z", "Ordered", "shop", ["anonymous_id:b", "user_id:ann"]),
        (1, "2026-03-01T12:00:00.000Z", "Home", "shop", ["anonymous_id:a"]),
    ]

    picture = draw(Figure(made, made.arguments({}, 0), rows))

    assert [band["began"] for band in values(picture, "sessions")] == [
        "2026-03-01 12:00",
        "2026-03-01 13:00",
    ]
    assert [event["step"] for event in values(picture, "events")] == ["Home", "Ordered"]
    assert len(values(picture, "lanes")) == 2


def test_a_journey_without_a_number_has_no_picture_and_says_what_it_has() -> None:
    made = Journey("names", "Which names?", (), (Column("name", ColumnType.TEXT, ""),))

    with pytest.raises(BadInput, match="no picture") as refused:
        draw(Figure(made, made.arguments({}, 0), [("Home",)]))

    assert "CSV" in refused.value.remedy
