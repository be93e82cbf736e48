"""Why the memberships of a customer changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from identity_service.domain.events import EventOrder
from identity_service.domain.profiles.causes import (
    Circumstances,
    Computed,
    LedgerEntry,
    Stay,
    been_in,
    causes,
    gone,
    of_ledger,
    of_members,
)
from identity_service.domain.profiles.definitions import CauseKind
from identity_service.domain.profiles.memberships import Cause, Change
from identity_service.domain.profiles.occurrences import ProfileEvent
from identity_service.domain.resolution.changes import ChangeKind

NOW = 1_000
COMPUTED = Computed(version=1, evaluated_at=500, due=None)
SETTLED = Circumstances(
    created_at=100,
    last=COMPUTED,
    marked=True,
    version=1,
    applied_at=50,
    rolled_out=True,
)


def event(message_id: str, at: int, received_at: int, **more: Any) -> ProfileEvent:
    return ProfileEvent(EventOrder(at, received_at, 0, message_id), message_id, "track", **more)


def entry(kind: ChangeKind, cause: str, *, other: str = "bob", **more: Any) -> LedgerEntry:
    said: dict[str, Any] = {"id": "chg_1", "at": 900, "customer_id": "ann", "shares": False, **more}
    return LedgerEntry(kind=kind, cause=cause, other_customer_id=other, **said)


OLD, NEW = event("old", 300, 400), event("new", 200, 600)


def kinds(found: list[Cause]) -> list[CauseKind]:
    return [cause.kind for cause in found]


def test_the_event_that_was_received_last_is_the_cause_at_its_own_time() -> None:
    assert causes(SETTLED, [NEW, OLD], NOW) == [Cause(CauseKind.EVENT, 200, "new")]


def test_an_event_that_was_known_is_no_cause_when_the_time_has_come() -> None:
    due = replace(SETTLED, last=Computed(1, 500, 800))

    assert causes(replace(due, marked=False), [OLD], NOW) == [Cause(CauseKind.TIME, 800)]
    assert kinds(causes(due, [OLD], NOW)) == [CauseKind.TIME]
    assert kinds(causes(due, [OLD, NEW], NOW)) == [CauseKind.TIME, CauseKind.EVENT]


def test_a_touch_without_a_newer_event_is_still_by_an_event() -> None:
    assert causes(SETTLED, [OLD], NOW) == [Cause(CauseKind.EVENT, 300, "old")]


def test_an_event_that_is_dated_ahead_is_no_cause_before_its_time() -> None:
    ahead = event("ahead", NOW + 1, 700)

    assert causes(replace(SETTLED, marked=False), [OLD, ahead], NOW) == [Cause(CauseKind.TIME, NOW)]


@pytest.mark.parametrize(
    ("recorded", "kind"),
    [
        (entry(ChangeKind.MERGED, "event:m"), CauseKind.MERGE),
        (entry(ChangeKind.MERGED, "judgement:j"), CauseKind.MERGE),
        (entry(ChangeKind.SPLIT, "event:m"), CauseKind.SPLIT),
        (entry(ChangeKind.SPLIT, "judgement:j withdrawn"), CauseKind.JUDGEMENT),
        (entry(ChangeKind.SPLIT, "policy:2"), CauseKind.POLICY),
        (entry(ChangeKind.SPLIT, "retraction:r"), CauseKind.RETRACTION),
        (entry(ChangeKind.SPLIT, "event:m", shares=True), CauseKind.QUARANTINE),
        (entry(ChangeKind.MOVED, "event:m"), CauseKind.MERGE),
        (entry(ChangeKind.MOVED, "event:m", customer_id="bob", other="ann"), CauseKind.SPLIT),
        (entry(ChangeKind.QUARANTINED, "event:m"), CauseKind.QUARANTINE),
        (entry(ChangeKind.ERASED, "event:m"), CauseKind.ERASURE),
    ],
)
def test_what_the_ledger_says_is_the_cause(recorded: LedgerEntry, kind: CauseKind) -> None:
    said = of_ledger("ann", [recorded])

    assert causes(replace(SETTLED, ledger=said), [OLD], NOW) == [Cause(kind, 900, "chg_1", "bob")]


def test_a_new_customer_is_there_because_of_its_event() -> None:
    created = entry(ChangeKind.CREATED, "event:new", other="")
    found = replace(SETTLED, last=None, ledger=of_ledger("ann", [created], was_computed=False))

    assert causes(found, [NEW], NOW) == [Cause(CauseKind.EVENT, 200, "new")]


def test_a_new_text_is_the_cause_for_all_that_were_there_before() -> None:
    by_old_text = replace(SETTLED, version=2, applied_at=700, marked=False)
    never_computed = replace(by_old_text, last=None, rolled_out=False)
    came_later = replace(never_computed, created_at=701, marked=True)

    assert causes(by_old_text, [OLD], NOW) == [Cause(CauseKind.DEFINITION, 700)]
    assert CauseKind.DEFINITION in kinds(causes(never_computed, [OLD], NOW))
    assert kinds(causes(came_later, [OLD], NOW)) == [CauseKind.EVENT]


def test_an_id_that_lives_again_is_there_because_of_what_happened_last() -> None:
    entries = [
        entry(ChangeKind.CREATED, "event:old", id="chg_1"),
        entry(ChangeKind.MERGED, "judgement:j", id="chg_2", customer_id="bob", other="ann"),
        entry(
            ChangeKind.SPLIT, "judgement:j withdrawn", id="chg_3", customer_id="bob", other="ann"
        ),
    ]
    said = of_ledger("ann", entries, was_computed=False)
    found = causes(replace(SETTLED, last=None, ledger=said), [OLD], NOW)

    assert Cause(CauseKind.JUDGEMENT, 900, "chg_3", "bob") in found
    assert CauseKind.MERGE not in kinds(found)


def test_what_happened_in_an_account_of_the_customer_is_an_event_too() -> None:
    due_at_once = replace(SETTLED, last=Computed(1, 500, 0), marked=False)

    assert causes(due_at_once, [OLD], NOW) == [Cause(CauseKind.EVENT, NOW)]


def test_a_consent_that_is_withdrawn_is_a_cause_of_its_own() -> None:
    text = '{"purpose": "marketing", "granted": false}'
    said = event("no", 600, 600, name="Consent Updated", properties_json=text)

    assert kinds(causes(SETTLED, [said], NOW)) == [CauseKind.CONSENT]


def test_who_is_gone_was_merged_or_else_erased() -> None:
    merged = entry(ChangeKind.MERGED, "event:m", customer_id="bob", other="ann")

    assert gone("ann", [merged], NOW) == [Cause(CauseKind.MERGE, 900, "chg_1", "bob")]
    assert gone("ann", [], NOW) == [Cause(CauseKind.ERASURE, NOW)]


def test_an_account_changes_by_what_happened_to_its_members_now_and_before() -> None:
    merged = entry(ChangeKind.MERGED, "event:m")
    taken_back = entry(ChangeKind.SPLIT, "judgement:j withdrawn", id="chg_2")

    assert of_members({"ann": [merged, taken_back], "eve": []}, {"eve"}, NOW) == [
        Cause(CauseKind.MERGE, 900, "chg_1"),
        Cause(CauseKind.JUDGEMENT, 900, "chg_2"),
        Cause(CauseKind.ERASURE, NOW),
    ]
    assert of_members({"ann": []}, (), NOW) == []


@pytest.mark.parametrize(
    ("began", "ended", "was_in"),
    [
        (CauseKind.EVENT, None, True),
        (CauseKind.EVENT, CauseKind.TIME, True),
        (CauseKind.EVENT, CauseKind.MERGE, True),
        (CauseKind.MERGE, None, True),
        (CauseKind.SPLIT, CauseKind.TIME, True),
        (CauseKind.MERGE, CauseKind.JUDGEMENT, False),
        (CauseKind.QUARANTINE, CauseKind.POLICY, False),
    ],
)
def test_a_stay_that_was_undone_never_was(
    began: CauseKind, ended: CauseKind | None, was_in: bool
) -> None:
    stays = [Stay("a", Change.ENTERED, began)]
    if ended is not None:
        stays.append(Stay("a", Change.LEFT, ended))

    assert been_in(stays) == ({"a"} if was_in else set())
