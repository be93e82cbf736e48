"""The membership stream: the difference of two sets, with its cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from identity_service.domain.profiles.definitions import CauseKind, Of
from identity_service.domain.profiles.memberships import (
    PRECEDENCE,
    Cause,
    Change,
    MembershipChange,
    membership_changes,
)
from identity_service.domain.profiles.parse import parse_profiles
from tests.support.worlds import in_many_worlds

PROFILES = parse_profiles("""
audiences:
  loyal: {who: {did: A}}
  rare: {who: {did: A}, starts_campaigns: [MERGE]}
""")
EVENT, TIME = Cause(CauseKind.EVENT, 5, "m1"), Cause(CauseKind.TIME, 6)


def changes(
    before: Mapping[str, Sequence[str]],
    after: Mapping[str, Sequence[str]],
    causes: Mapping[str, Sequence[Cause]] | None = None,
    been: Mapping[str, Sequence[str]] | None = None,
) -> list[MembershipChange]:
    named = {customer: [EVENT] for customer in {*before, *after}} if causes is None else causes
    return membership_changes(PROFILES, Of.CUSTOMERS, before, after, named, been or {})


def test_who_is_in_now_and_was_not_entered_and_the_other_way_round_left() -> None:
    found = changes({"b": ["loyal"], "c": ["loyal"]}, {"a": ["rare", "loyal"], "c": ["loyal"]})

    assert [(each.member_id, each.audience, each.change) for each in found] == [
        ("a", "loyal", Change.ENTERED),
        ("a", "rare", Change.ENTERED),
        ("b", "loyal", Change.LEFT),
    ]
    assert {each.cause for each in found} == {EVENT}


def test_what_does_not_change_needs_no_cause() -> None:
    assert changes({"a": ["loyal"]}, {"a": ["loyal"], "b": []}, {}) == []


def test_a_merge_of_two_members_leaves_once_and_starts_nothing() -> None:
    merge = {
        "kept": [Cause(CauseKind.MERGE, 5, "chg_1", "retired")],
        "retired": [Cause(CauseKind.MERGE, 5, "chg_1", "kept")],
    }

    (only,) = changes({"kept": ["loyal"], "retired": ["loyal"]}, {"kept": ["loyal"]}, merge)

    assert (only.member_id, only.change) == ("retired", Change.LEFT)
    assert only.cause.kind is CauseKind.MERGE
    assert not only.starts_campaigns


def test_who_enters_by_a_merge_was_in_before_where_the_other_was() -> None:
    merge = {
        "kept": [EVENT, Cause(CauseKind.MERGE, 4, "chg_1", "retired")],
        "retired": [Cause(CauseKind.MERGE, 4, "chg_1", "kept")],
    }

    entered, left = changes({"retired": ["loyal"]}, {"kept": ["loyal"]}, merge)

    assert (entered.member_id, entered.change, entered.first) == ("kept", Change.ENTERED, False)
    assert entered.cause.kind is CauseKind.MERGE
    assert (left.member_id, left.change, left.first) == ("retired", Change.LEFT, False)


def test_only_the_first_time_is_the_first() -> None:
    (first,) = changes({}, {"a": ["loyal"]})
    (again,) = changes({}, {"a": ["loyal"]}, been={"a": ["loyal"]})
    (left,) = changes({"a": ["loyal"]}, {})

    assert (first.first, again.first, left.first) == (True, False, False)


def test_events_and_time_start_campaigns_unless_the_audience_says_otherwise() -> None:
    started = {
        (each.audience, kind)
        for kind in CauseKind
        for each in changes({}, {"a": ["loyal", "rare"]}, {"a": [Cause(kind, 1)]})
        if each.starts_campaigns
    }

    assert started == {
        ("loyal", CauseKind.EVENT),
        ("loyal", CauseKind.TIME),
        ("rare", CauseKind.MERGE),
    }


def test_an_audience_that_is_gone_from_the_text_is_left() -> None:
    (left,) = changes({"a": ["old"]}, {}, {"a": [Cause(CauseKind.DEFINITION, 3, "7")]})

    assert (left.audience, left.change, left.starts_campaigns) == ("old", Change.LEFT, False)


def test_of_several_causes_the_strongest_is_reported_and_of_one_kind_the_latest() -> None:
    causes = [TIME, EVENT, Cause(CauseKind.EVENT, 9, "m2"), Cause(CauseKind.EVENT, 1, "m0")]

    (found,) = changes({}, {"a": ["loyal"]}, {"a": causes})
    (judged,) = changes({}, {"a": ["loyal"]}, {"a": [*causes, Cause(CauseKind.JUDGEMENT, 1)]})

    assert found.cause.ref == "m2"
    assert judged.cause.kind is CauseKind.JUDGEMENT
    assert set(PRECEDENCE) == set(CauseKind)


sets = st.dictionaries(st.sampled_from("abc"), st.sets(st.sampled_from(["loyal", "rare", "x"])))


@in_many_worlds
@given(states=st.lists(sets, max_size=6))
def test_replaying_the_stream_from_empty_gives_the_sets(states: list[dict[str, set[str]]]) -> None:
    replayed: dict[str, set[str]] = {}
    been: dict[str, set[str]] = {}
    before: dict[str, set[str]] = {}
    for after in states:
        for each in changes(
            {customer: sorted(names) for customer, names in before.items()},
            {customer: sorted(names) for customer, names in after.items()},
            been={customer: sorted(names) for customer, names in been.items()},
        ):
            members = replayed.setdefault(each.member_id, set())
            seen = been.setdefault(each.member_id, set())
            if each.change is Change.ENTERED:
                assert each.audience not in members
                assert each.first is (each.audience not in seen)
                members.add(each.audience)
                seen.add(each.audience)
            else:
                members.remove(each.audience)
        before = after
        assert {c: names for c, names in replayed.items() if names} == {
            c: names for c, names in after.items() if names
        }
