"""Retractions: what a source said in a range of time does not count as evidence (rule 0)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetractedRange:
    """Of a source, what was received from `begin` on and before `until`.

    Times are those of receipt, by the service's own clock, in milliseconds since 1970: what a
    sender says of times may be forged.
    """

    id: str
    source: str
    begin: int
    until: int

    def covers(self, source: str, received_at: int) -> bool:
        """Whether an event of that source and receipt is retracted."""
        return source == self.source and self.begin <= received_at < self.until


@dataclass(frozen=True, slots=True)
class Retraction(RetractedRange):
    """A person's signed statement that this does not count. Made once, perhaps withdrawn."""

    made_at: int
    author: str
    reason: str
    withdrawn_at: int | None = None
    withdrawn_by: str | None = None
    withdrawn_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetractionProgress(Retraction):
    """A retraction, and how far the evidence follows it.

    `events` were taken out of the evidence, or given back of the `total` when it was withdrawn;
    `skipped` could not be, since too many identifiers are connected with them. `reached` is the
    receipt of the last event that was looked at, None at the beginning. `done`: all of them were.
    """

    events: int = 0
    skipped: int = 0
    total: int | None = None
    reached: int | None = None
    done: bool = False

    @property
    def share(self) -> float:
        """How much of the range was looked at, from 0 to 1."""
        if self.done:
            return 1.0
        if self.total is not None:
            return (self.events + self.skipped) / max(self.total, 1)
        if self.reached is None:
            return 0.0
        return (self.reached - self.begin) / (self.until - self.begin)


def retracted_by(
    ranges: Iterable[RetractedRange], source: str, received_at: int
) -> list[RetractedRange]:
    """The retractions that cover an event of a source and a receipt."""
    return [each for each in ranges if each.covers(source, received_at)]
