"""Sources in the graph: what is known of them, and what can be changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from identity_service.domain.events import RejectionCode
from identity_service.domain.sources import RulesVersion, Source, SourceKey, SourceStatistics
from identity_service.graph.database import Database
from identity_service.graph.keys import space_key
from identity_service.graph.statements import statement

LIST_SOURCES: Final = statement("spaces/list_sources")
LIST_ALL_SOURCES: Final = statement("instance/list_sources")
READ_SOURCE: Final = statement("instance/read_source")
CHANGE_SOURCE: Final = statement("spaces/change_source")
ROTATE_WRITE_KEY: Final = statement("spaces/rotate_write_key")
FEED_SPACES: Final = statement("spaces/feed_spaces")
SET_READING_RULES: Final = statement("spaces/set_reading_rules")
LIST_READING_RULES: Final = statement("instance/list_reading_rules")
LIST_RECENT_EVENTS: Final = statement("sources/list_recent_events")
ADD_COUNTS: Final = statement("sources/add_counts")
READ_COUNTS: Final = statement("sources/read_counts")
DELETE_SOURCE_DAYS: Final = statement("instance/delete_source_days")


@dataclass(frozen=True, slots=True)
class SourceChange:
    """What became of a change of a source.

    `hashes` are those of its write keys. Nothing was written where it was `refused`, since the
    source feeds other spaces too, or `full`: too many of its keys are good.
    """

    hashes: tuple[str, ...]
    refused: bool = False
    full: bool = False


@dataclass(frozen=True, slots=True)
class FeedChange:
    """What became of a change of the spaces that a source feeds.

    `hashes` are those of its write keys. Nothing was written where spaces are `missing`, or have
    a key of the source's name (`taken`).
    """

    hashes: tuple[str, ...]
    missing: tuple[str, ...]
    taken: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RulesChange:
    """What became of new reading rules of a source, of which `version` is in force.

    `hashes` are those of its write keys. Nothing was `put` where it was `refused`, since the source
    feeds other spaces too, or where another version was expected.
    """

    hashes: tuple[str, ...]
    refused: bool
    version: int
    put: bool


class SentEvent(NamedTuple):
    """An event of the graph with all that was sent. `json` in a name means JSON text."""

    message_id: str
    type: str
    name: str | None
    at: int
    received_at: int
    place: int
    properties_json: str
    context_json: str
    traits_json: str | None
    context_traits_json: str | None


class DayOfSource(NamedTuple):
    """A source, a space that it sends to, and a day, counted from 1970 in UTC."""

    space: str
    source: str
    day: int

    @property
    def key(self) -> str:
        """That of its node."""
        return space_key(self.space, f"{self.source}\t{self.day}")


@dataclass(slots=True)
class DayCounts:
    """What was counted of a source on a day. Times and lags are milliseconds."""

    received: int = 0
    accepted: int = 0
    dropped: int = 0
    collisions: int = 0
    lag_ms: int = 0
    longest_lag_ms: int = 0
    last_seen: int = 0
    rejected: Counter[RejectionCode] = field(default_factory=Counter[RejectionCode])

    def add(self, other: DayCounts) -> None:
        """Count what another counted too."""
        self.received += other.received
        self.accepted += other.accepted
        self.dropped += other.dropped
        self.collisions += other.collisions
        self.lag_ms += other.lag_ms
        self.longest_lag_ms = max(self.longest_lag_ms, other.longest_lag_ms)
        self.last_seen = max(self.last_seen, other.last_seen)
        self.rejected += other.rejected


class SourceStore:
    """Reads and changes sources. Every method that changes one names a space that it feeds.

    None as an answer: there is no source of that name, or it does not feed the space.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def sources_of(self, space: str, after: str, most: int) -> list[Source]:
        """Sources that feed a space, by name, those after a name."""
        w = {"space": space, "after": after, "most": most}
        row = await self._database.read_one(LIST_SOURCES, w=w)
        return [_source(entry) for entry in row["sources"]] if row else []

    async def all_sources(self, after: str, most: int) -> list[Source]:
        """Sources of the instance, likewise."""
        row = await self._database.read_one(LIST_ALL_SOURCES, w={"after": after, "most": most})
        return [_source(entry) for entry in row["sources"]] if row else []

    async def source(self, name: str) -> Source | None:
        """One source, with all spaces that it feeds."""
        row = await self._database.read_one(READ_SOURCE, source=name)
        return None if row is None else _source(row["source"])

    async def change(
        self, space: str, source: str, changes: Mapping[str, Any], *, may_feed_others: bool
    ) -> SourceChange | None:
        """Set properties of a source; those that are None are removed."""
        row = await self._database.write_one(
            CHANGE_SOURCE,
            w={
                "space": space,
                "source": source,
                "may_feed_others": may_feed_others,
                "changes": dict(changes),
            },
        )
        return None if row is None else SourceChange(tuple(row["hashes"]), row["refused"])

    async def rotate_key(
        self,
        space: str,
        source: str,
        key_hash: str,
        grace_ms: int,
        most: int,
        *,
        may_feed_others: bool,
    ) -> SourceChange | None:
        """Give a source a new write key; those that it has end after the grace.

        At most `most` keys may be good before that, unless there is no grace.
        """
        row = await self._database.write_one(
            ROTATE_WRITE_KEY,
            w={
                "space": space,
                "source": source,
                "may_feed_others": may_feed_others,
                "hash": key_hash,
                "grace": grace_ms,
                "most": most,
            },
        )
        if row is None:
            return None
        return SourceChange(tuple(row["hashes"]), row["refused"], row["full"])

    async def feed(self, space: str, source: str, spaces: Sequence[str]) -> FeedChange | None:
        """Have a source feed exactly these spaces."""
        row = await self._database.write_one(
            FEED_SPACES, w={"space": space, "source": source, "spaces": sorted(spaces)}
        )
        if row is None:
            return None
        return FeedChange(tuple(row["hashes"]), tuple(row["missing"]), tuple(row["taken"]))

    async def set_rules(
        self,
        space: str,
        source: str,
        rules: RulesVersion,
        region: str | None,
        *,
        may_feed_others: bool,
    ) -> RulesChange | None:
        """Put a version of the reading rules in force, if it is the one after the one in force."""
        row = await self._database.write_one(
            SET_READING_RULES,
            w={
                "space": space,
                "source": source,
                "may_feed_others": may_feed_others,
                "expected": rules.version - 1,
                "text": rules.text,
                "region": region,
                "author": rules.author,
                "now": rules.created_at,
            },
        )
        if row is None:
            return None
        return RulesChange(tuple(row["hashes"]), row["refused"], row["version"], row["put"])

    async def rules_of(self, source: str, newest: int, most: int) -> list[RulesVersion]:
        """At most `most` versions of the reading rules, counting down from `newest`."""
        keys = [f"{source}/{version}" for version in range(newest, max(newest - most, 0), -1)]
        row = await self._database.read_one(LIST_READING_RULES, w={"keys": keys})
        return [RulesVersion(*entry) for entry in row["rules"]] if row else []

    async def recent_events(
        self, space: str, source: str, scanned: int, most: int
    ) -> list[SentEvent]:
        """The newest events of a source, of so many of the space, by their receipt."""
        row = await self._database.read_one(
            LIST_RECENT_EVENTS,
            w={"space": space, "source": source, "scanned": scanned, "most": most},
        )
        return [SentEvent(*entry) for entry in row["events"]] if row else []

    async def add_counts(self, counts: Mapping[DayOfSource, DayCounts]) -> None:
        """Add to what was counted before."""
        rows = sorted(
            [
                of.key,
                *of,
                count.received,
                count.accepted,
                count.dropped,
                count.collisions,
                count.lag_ms,
                count.longest_lag_ms,
                count.last_seen,
                *(count.rejected[code] for code in RejectionCode),
            ]
            for of, count in counts.items()
        )
        await self._database.write_all(ADD_COUNTS, w={"counts": rows})

    async def statistics(
        self, source: str, spaces: Sequence[str], first_day: int
    ) -> SourceStatistics:
        """What a source sent to some spaces since a day."""
        row = await self._database.read_one(
            READ_COUNTS, w={"source": source, "spaces": list(spaces), "day": first_day}
        )
        counts: list[Any] = row["counts"] if row else [0, 0, 0, 0, 0, None]
        received, accepted, dropped, collisions, lag_ms, longest_lag_ms = counts
        reasons: list[tuple[str, int]] = row["rejected"] if row else []
        rejected = {reason: number for reason, number in reasons if number}
        return SourceStatistics(
            received=received,
            accepted=accepted,
            known=received - accepted - dropped - sum(rejected.values()),
            dropped=dropped,
            rejected=rejected,
            collisions=collisions,
            mean_lag_ms=lag_ms / accepted if accepted else None,
            longest_lag_ms=longest_lag_ms if accepted else None,
        )

    async def delete_days(self, before: int, most: int) -> int:
        """Delete some of what was counted before a day; returns how much, 0 when all is gone."""
        row = await self._database.write_one(DELETE_SOURCE_DAYS, day=before, most=most)
        return row["deleted"] if row else 0


def _source(entry: Sequence[Any]) -> Source:
    name, region, created_at, paused_at, paused_by, events_per_s, last_seen, *rest = entry
    rules, rules_version, vendor, snowplow_app_id, spaces, keys = rest
    return Source(
        name=name,
        region=region,
        created_at=created_at,
        paused_at=paused_at,
        paused_by=paused_by,
        events_per_s=events_per_s,
        last_seen=last_seen,
        rules=rules,
        rules_version=rules_version,
        vendor=vendor,
        snowplow_app_id=snowplow_app_id,
        spaces=tuple(spaces),
        keys=tuple(SourceKey(*key) for key in keys),
    )
