"""Sources: who sends events, and what is known of each.

All times are milliseconds since 1970, UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SourceKey:
    """A write key that is good, of which only the times are known.

    `good_until`: when it ends, since a newer one takes its place; None for the newest.
    """

    created_at: int
    good_until: int | None


@dataclass(frozen=True, slots=True)
class Source:
    """A sender of events, as it was set up.

    `spaces` are those that its events enter, as far as the reader may know them;
    `feeds_other_spaces`: there are more. `region` is the country of its national phone numbers
    (ISO 3166). `paused_at` and `paused_by` are None unless it is paused. `events_per_s` is the most
    that it may send to one process, None for any number. `last_seen` is when something was received
    from it last, to a few seconds. `rules` are the text of its reading rules in force, and
    `rules_version` counts how often they were set. `vendor` is the one whose webhook feeds it, None
    where none does. Snowplow's trackers name it by its `snowplow_app_id`.
    """

    name: str
    region: str | None
    created_at: int
    paused_at: int | None
    paused_by: str | None
    events_per_s: float | None
    last_seen: int | None
    rules: str | None
    rules_version: int
    vendor: str | None
    snowplow_app_id: str | None
    spaces: tuple[str, ...]
    keys: tuple[SourceKey, ...]
    feeds_other_spaces: bool = False


@dataclass(frozen=True, slots=True)
class SourceStatistics:
    """What a source sent to some spaces in some days.

    Of the `received` events, `accepted` were stored, `known` were stored before, `dropped` by the
    reading rules of the source, and others were `rejected`, by their reasons. `collisions` are
    accepted events whose message id another event has. The lag of an accepted event is the time
    from when it happened to its receipt.
    """

    received: int
    accepted: int
    known: int
    dropped: int
    rejected: Mapping[str, int]
    collisions: int
    mean_lag_ms: float | None
    longest_lag_ms: int | None


@dataclass(frozen=True, slots=True)
class RulesVersion:
    """A version of the reading rules of a source."""

    version: int
    text: str
    created_at: int
    author: str
