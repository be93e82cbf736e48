"""Who spends more than is due waits, and nobody else does."""

from __future__ import annotations

import pytest

from identity_service.services.kit import allowances
from identity_service.services.kit.allowances import Allowances


class Clock:
    """A timer that stands still."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_after_a_pause_a_burst_is_spent_and_then_what_is_due() -> None:
    clock = Clock()
    each = Allowances(2, 10, clock)

    assert [each.spend("ann", 8), each.spend("ann", 2)] == [0, 0]
    assert each.spend("ann", 3) == 1.5
    assert each.spend("bob", 10) == 0
    clock.now += 1.5
    assert (each.left("ann"), each.spend("ann", 3), each.left("ann")) == (3, 0, 0)
    clock.now += 1_000
    assert each.left("ann") == 10


def test_what_is_more_than_a_burst_is_made_up_for_later() -> None:
    clock = Clock()
    each = Allowances(2, 10, clock)

    assert each.spend("ann", 14) == 0
    assert each.left("ann") == 0
    assert each.spend("ann", 1) == 2.5


def test_only_those_who_asked_last_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allowances, "MAX_HOLDERS", 2)
    each = Allowances(2, 10, Clock())
    for holder in ("ann", "bob", "ann", "cid"):
        each.spend(holder, 4)

    assert [each.left(holder) for holder in ("ann", "cid", "bob")] == [2, 6, 10]
