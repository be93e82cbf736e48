"""Scores of tiny worlds, worked by hand, and of worlds without shared devices."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity_service.domain.identifiers import Identifier, parse_identifier
from identity_service.domain.policies.parse import preset
from identity_service.domain.policies.value_rules import ValueRules
from identity_service.domain.resolution.evidence import gather
from identity_service.domain.resolution.resolve import resolve
from identity_service.domain.scoring.households import VISITS, household_visits
from identity_service.domain.scoring.score import (
    MAX_SUGGESTIONS,
    EventCounts,
    Score,
    Scoring,
    Suggestion,
    frontier,
    score_events,
)
from identity_service.domain.scoring.truth import PersonEvent, parse_pairs, truth_of_pairs

QUARANTINE, MERGE_ALL, ISOLATE = map(preset, ("quarantine", "merge_all", "isolate"))


def seen(person: str, *identifiers: str) -> PersonEvent:
    return PersonEvent(person, [parse_identifier(each) for each in identifiers])


TABLET = (
    seen("ann", "anonymous_id:tablet", "user_id:ann"),
    seen("bob", "anonymous_id:tablet", "user_id:bob"),
    seen("ann", "anonymous_id:tablet"),
    seen("bob", "anonymous_id:phone", "user_id:bob"),
    seen("bob", "anonymous_id:phone"),
)


def test_a_shared_tablet_is_nobodys_under_quarantine() -> None:
    score = score_events(TABLET, QUARANTINE)

    assert score == Score(
        people=2,
        people_split=0,
        customers_of_two=0,
        events=EventCounts(right=4, wrong=0, nobody=1),
        anonymous_events=EventCounts(right=1, wrong=0, nobody=1),
    )


def test_merged_by_the_tablet_one_customer_holds_two_people_and_all_events_are_wrong() -> None:
    score = score_events(TABLET, MERGE_ALL)

    assert score == Score(
        people=2,
        people_split=0,
        customers_of_two=1,
        events=EventCounts(right=0, wrong=5, nobody=0),
        anonymous_events=EventCounts(right=0, wrong=2, nobody=0),
    )


def test_isolated_devices_split_a_person_and_a_judgement_would_bring_the_phone_back() -> None:
    score = score_events(TABLET, ISOLATE)

    assert (score.people_split, score.customers_of_two) == (1, 0)
    assert score.events == EventCounts(right=3, wrong=0, nobody=2)
    [found] = score.suggestions
    assert (found.a, found.b) == (Identifier("user_id", "bob"), Identifier("anonymous_id", "phone"))
    assert (found.person, found.events, found.moved) == ("bob", 1, 1)
    assert found.reason.startswith("Two customers: ")
    assert score.suggested == 1


def test_what_was_never_seen_together_is_suggested_with_that_reason() -> None:
    score = score_events(
        [seen("ann", "user_id:ann"), seen("ann", "anonymous_id:cookie")] * 2, QUARANTINE
    )

    assert score.suggestions == (
        Suggestion(
            Identifier("user_id", "ann"),
            Identifier("anonymous_id", "cookie"),
            "ann",
            events=2,
            moved=2,
            reason="Two customers: nothing that was seen connects them.",
        ),
    )


def test_judgements_that_bring_most_events_come_first_and_only_some_are_listed() -> None:
    events = [
        event
        for n in range(MAX_SUGGESTIONS + 5)
        for event in (
            seen(f"p{n}", f"user_id:p{n}"),
            *[seen(f"p{n}", f"anonymous_id:c{n}")] * (n + 1),
        )
    ]

    score = score_events(events, QUARANTINE)

    assert score.suggested == MAX_SUGGESTIONS + 5
    assert [each.events for each in score.suggestions] == list(range(MAX_SUGGESTIONS + 5, 5, -1))


def test_no_judgement_is_suggested_that_would_bring_two_people_together() -> None:
    events = [
        seen("ann", "user_id:ann", "email:shared@example.com"),
        seen("ann", "anonymous_id:ann"),
        seen("bob", "user_id:bob", "email:shared@example.com"),
    ]

    score = score_events(events, MERGE_ALL)

    assert score.customers_of_two == 1
    assert score.suggestions == ()


def test_labelled_pairs_are_scored_by_what_they_say_and_no_more() -> None:
    """u1 and its phone are apart, u2 and u3 together, and nobody said who u4 is."""
    pairs = parse_pairs(
        "user_id:u1,anonymous_id:phone,same\n"
        "user_id:u2,user_id:u3,different\n"
        "user_id:u4,email:d@example.com,same\n"
    )
    evidence = gather(
        [
            (1, map(parse_identifier, ("user_id:u1",))),
            (2, map(parse_identifier, ("anonymous_id:phone",))),
            (3, map(parse_identifier, ("anonymous_id:tablet", "user_id:u2"))),
            (4, map(parse_identifier, ("anonymous_id:tablet", "user_id:u3"))),
            (5, map(parse_identifier, ("anonymous_id:tablet", "user_id:u4"))),
            (6, map(parse_identifier, ("user_id:u4", "email:d@example.com"))),
        ]
    )
    scoring = Scoring(MERGE_ALL, truth_of_pairs(pairs, ValueRules(MERGE_ALL)))
    events = [
        seen("anonymous_id:phone", "anonymous_id:phone")._replace(times=3),
        seen("anonymous_id:phone", "user_id:u1")._replace(times=2),
        seen("user_id:u2", "user_id:u2"),
        seen("user_id:u3", "user_id:u3"),
        seen("email:d@example.com", "user_id:u4"),
    ]

    scoring.add(evidence, resolve(evidence, MERGE_ALL), len(evidence.identifiers), events)
    score = scoring.result()

    assert (score.people, score.people_split, score.customers_of_two) == (4, 1, 1)
    assert score.events == EventCounts(right=3, wrong=2, nobody=3)
    assert [(each.a.value, each.b.value, each.events) for each in score.suggestions] == [
        ("u1", "phone", 3)
    ]


def test_a_person_in_two_groups_is_split_too() -> None:
    pairs = parse_pairs("user_id:u1,user_id:u2,same\n")
    scoring = Scoring(QUARANTINE, truth_of_pairs(pairs, ValueRules(QUARANTINE)))
    for user in ("user_id:u1", "user_id:u2"):
        evidence = gather([(1, [parse_identifier(user)])])
        scoring.add(evidence, resolve(evidence, QUARANTINE), 1, [])

    score = scoring.result()

    assert score.people_split == 1
    assert score.suggestions[0].reason == "Two customers: nothing that was seen connects them."


def test_of_a_group_only_its_own_identifiers_count() -> None:
    """The others are super-connectors that another group counts."""
    pairs = parse_pairs("user_id:u1,user_id:u2,different\n")
    evidence = gather(
        [(1, [parse_identifier("user_id:u1")]), (2, [parse_identifier("user_id:u2")])]
    )
    scoring = Scoring(QUARANTINE, truth_of_pairs(pairs, ValueRules(QUARANTINE)))

    scoring.add(evidence, resolve(evidence, QUARANTINE), 1, [])

    assert scoring.result().people == 1


@pytest.mark.parametrize(
    ("places", "kept"),
    [
        ([(90, 5), (80, 0), (70, 1)], [1, 0]),
        ([(80, 0), (80, 0)], [0, 1]),
        ([(80, 5), (80, 0)], [1]),
        ([(70, 0), (80, 0)], [1]),
        ([], []),
    ],
)
def test_the_frontier_holds_what_no_other_beats(
    places: list[tuple[int, int]], kept: list[int]
) -> None:
    scores = [
        Score(1, 0, 0, EventCounts(right, wrong, 100 - right - wrong), EventCounts())
        for right, wrong in places
    ]

    assert frontier(scores) == kept


def test_without_events_every_share_is_zero() -> None:
    assert EventCounts().share(0) == 0.0


WORLDS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 2), st.booleans(), st.booleans()), max_size=40
)


@given(WORLDS, st.sampled_from(["quarantine", "dominant_owner", "merge_all", "first_owner"]))
def test_where_nobody_shares_anything_no_event_is_wrong(
    visits: list[tuple[int, int, bool, bool]], policy: str
) -> None:
    events = [
        seen(
            f"p{person}",
            f"anonymous_id:d{person}-{device}",
            *([f"user_id:p{person}"] if logged_in else []),
            *([f"email:p{person}@example.com"] if logged_in and gives_email else []),
        )
        for person, device, logged_in, gives_email in visits
    ]

    score = score_events(events, preset(policy))

    assert (score.events.wrong, score.customers_of_two) == (0, 0)
    assert score.events.total == len(events)
    assert score.people == len({event.person for event in events})


def test_no_policy_blocks_what_households_are_known_by() -> None:
    events = list(household_visits(20, 0.5, random.Random(1)))  # noqa: S311
    logged_in = [event for event in events if len(event.identifiers) > 1]

    score = score_events(events, QUARANTINE)

    assert score.events.total == len(events) == 20 * VISITS
    assert score.anonymous_events.total == len(events) - len(logged_in)


def test_households_are_drawn_the_same_for_a_seed() -> None:
    one, again, other = (
        list(household_visits(3, 0.5, random.Random(seed)))  # noqa: S311
        for seed in (1, 1, 2)
    )

    assert one == again != other
    assert len(one) == 3 * VISITS
    assert {event.person for event in one} == {
        f"person-{home}-{n}" for home in range(3) for n in (0, 1)
    }
