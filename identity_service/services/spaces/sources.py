"""Sources after they were created: who sends, and what may be changed about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from identity_service.collect.reading_rules import parse_rules
from identity_service.domain.recorded import Page, page_of
from identity_service.domain.sources import RulesVersion, Source, SourceStatistics
from identity_service.errors import (
    BadInput,
    FeedsOthers,
    FieldInvalid,
    NameTaken,
    NoSuch,
    NotFound,
    VersionConflict,
)
from identity_service.graph.sources import SourceStore
from identity_service.services.kit.clock import Clock
from identity_service.services.spaces.access import (
    Access,
    Caller,
    Role,
    SpaceScope,
    forbidden,
    hash_key,
    new_key,
)

MAX_SPACES: Final = 100
"""Most spaces that one source feeds."""

MAX_GRACE_S: Final = 90 * 86_400
"""Longest time for which keys stay good beside a newer one."""

MAX_GOOD_KEYS: Final = 10
"""Most keys of one source, or of one name in a space, that are good at a time."""

MAX_DAYS: Final = 90
"""Days for which statistics of sources are kept."""

MAX_EVENTS_PER_S: Final = 1_000_000.0
MIN_EVENTS_PER_S: Final = 0.01


@dataclass(frozen=True, slots=True)
class RotatedKey:
    """A source and its new write key, which is not to be had again."""

    source: Source
    write_key: str


class Sources:
    """Lists sources and changes them.

    An administrator of a space may change a source that feeds only that space, the instance
    administrator any. Every change names a space that the source feeds; one that does not exist
    and one that feeds other spaces only look the same. Changes raise Forbidden and FieldInvalid.
    """

    def __init__(self, store: SourceStore, access: Access, clock: Clock) -> None:
        self._store = store
        self._access = access
        self._clock = clock

    async def of_space(self, scope: SpaceScope, after: str, first: int) -> Page[Source]:
        """Sources that feed the space, by name, those after a name. Administrators only."""
        if not scope.allows(Role.ADMIN):
            raise forbidden(Role.ADMIN, scope.space)
        found = await self._store.sources_of(scope.space, after, first + 1)
        return page_of([_as_seen_in(scope.space, each) for each in found], first)

    async def all(self, caller: Caller | None, after: str, first: int) -> Page[Source]:
        """Sources of the instance, likewise. The instance administrator only."""
        if not _is_instance(caller):
            raise forbidden(Role.INSTANCE)
        return page_of(await self._store.all_sources(after, first + 1), first)

    async def find(self, caller: Caller | None, name: str) -> Source:
        """A source of the instance. The instance administrator only. Raises NotFound."""
        if not _is_instance(caller):
            raise forbidden(Role.INSTANCE)
        found = await self._store.source(name)
        if found is None:
            raise NotFound(f"There is no source “{name}”.")
        return found

    async def statistics(self, source: Source, days: int) -> SourceStatistics:
        """What a source sent in so many days, today's included, to the spaces that it names.

        By UTC, and to a few seconds. Raises BadInput for days that are not kept.
        """
        if not 1 <= days <= MAX_DAYS:
            raise BadInput(f"“days” is {days:,}; it may be 1 to {MAX_DAYS}.")
        first_day = self._clock() // 86_400_000 - days + 1
        return await self._store.statistics(source.name, source.spaces, first_day)

    async def pause(self, caller: Caller | None, space: str, source: str) -> Source:
        """Take no events of a source until it is resumed; its senders are to keep them.

        One that is paused stays so, since the same time.
        """
        before = await self._find(caller, space, source)
        if before.paused_at is None or before.feeds_other_spaces:
            author = "" if caller is None else caller.name
            changes = {"paused_at": self._clock(), "paused_by": author}
            await self._change(caller, space, source, changes)
        return await self._find(caller, space, source)

    async def resume(self, caller: Caller | None, space: str, source: str) -> Source:
        """Take events of a source again."""
        await self._change(caller, space, source, {"paused_at": None, "paused_by": None})
        return await self._find(caller, space, source)

    async def limit(
        self, caller: Caller | None, space: str, source: str, events_per_s: float | None
    ) -> Source:
        """Let a source send at most so many events a second to each process; None: any number."""
        self._may_administer(caller, space)
        if events_per_s is not None and not MIN_EVENTS_PER_S <= events_per_s <= MAX_EVENTS_PER_S:
            raise FieldInvalid(
                "eventsPerSecond",
                f"A limit is from {MIN_EVENTS_PER_S:g} to {MAX_EVENTS_PER_S:,.0f} events per"
                " second.",
                remedy="Pause the source if it is to send none.",
            )
        await self._change(caller, space, source, {"events_per_s": events_per_s})
        return await self._find(caller, space, source)

    async def rotate_key(
        self, caller: Caller | None, space: str, source: str, grace_s: int
    ) -> RotatedKey:
        """Give a source a new write key; those that it has stay good for `grace_s` seconds.

        One that ends earlier ends then.
        """
        self._may_administer(caller, space)
        if not 0 <= grace_s <= MAX_GRACE_S:
            raise FieldInvalid("graceSeconds", f"It may be 0 to {MAX_GRACE_S:,} seconds.")
        key = new_key(Role.WRITE)
        change = await self._store.rotate_key(
            space,
            source,
            hash_key(key),
            grace_s * 1_000,
            MAX_GOOD_KEYS,
            may_feed_others=_is_instance(caller),
        )
        if change is None:
            raise _no_source(space, source)
        if change.refused:
            raise _feeds_others(source)
        if change.full:
            raise FieldInvalid(
                "source",
                f"The source “{source}” has {MAX_GOOD_KEYS} keys that are good.",
                remedy="Wait until one has ended, or rotate with a grace of 0 seconds.",
            )
        self._forget(change.hashes)
        return RotatedKey(await self._find(caller, space, source), key)

    async def feed(
        self, caller: Caller | None, space: str, source: str, spaces: Sequence[str]
    ) -> Source:
        """Have the events of a source enter exactly these spaces from now on.

        Those that it sent before stay where they are. The instance administrator only.
        """
        if not _is_instance(caller):
            raise forbidden(Role.INSTANCE)
        distinct = sorted(set(spaces))
        if not 1 <= len(distinct) <= MAX_SPACES:
            raise FieldInvalid("spaces", f"A source feeds 1 to {MAX_SPACES} spaces.")
        change = await self._store.feed(space, source, distinct)
        if change is None:
            raise _no_source(space, source)
        if change.missing:
            raise NoSuch("spaces", f"There is no space “{change.missing[0]}”.")
        if change.taken:
            raise NameTaken(
                "spaces", f"The space “{change.taken[0]}” has a key “{source}” already."
            )
        self._forget(change.hashes)
        return await self._find(caller, distinct[0], source)

    async def set_rules(
        self, caller: Caller | None, space: str, source: str, text: str, expected_version: int
    ) -> Source:
        """Put reading rules in force for what the source sends from now on; none: an empty text.

        Raises VersionConflict unless `expected_version` is the version in force, 0 where there are
        none, and ReadingRulesInvalid.
        """
        self._may_administer(caller, space)
        region = parse_rules(text).region
        author = "" if caller is None else caller.name
        rules = RulesVersion(expected_version + 1, text, self._clock(), author)
        change = await self._store.set_rules(
            space, source, rules, region, may_feed_others=_is_instance(caller)
        )
        if change is None:
            raise _no_source(space, source)
        if change.refused:
            raise _feeds_others(source)
        self._forget(change.hashes)
        if not change.put:
            raise VersionConflict(change.version, "reading rules")
        return await self._find(caller, space, source)

    async def rules_of(self, source: Source, first: int) -> Sequence[RulesVersion]:
        """Versions of the reading rules of a source, newest first."""
        return await self._store.rules_of(source.name, source.rules_version, first)

    async def _find(self, caller: Caller | None, space: str, name: str) -> Source:
        self._may_administer(caller, space)
        found = await self._store.source(name)
        if found is None or space not in found.spaces:
            raise _no_source(space, name)
        return found if _is_instance(caller) else _as_seen_in(space, found)

    async def _change(
        self, caller: Caller | None, space: str, source: str, changes: Mapping[str, Any]
    ) -> None:
        self._may_administer(caller, space)
        change = await self._store.change(
            space, source, changes, may_feed_others=_is_instance(caller)
        )
        if change is None:
            raise _no_source(space, source)
        if change.refused:
            raise _feeds_others(source)
        self._forget(change.hashes)

    def _may_administer(self, caller: Caller | None, space: str) -> None:
        """Raises Forbidden."""
        if not _is_instance(caller):
            self._access.require(caller, space, Role.ADMIN)

    def _forget(self, hashes: Sequence[str]) -> None:
        for key_hash in hashes:
            self._access.forget(key_hash)


def _is_instance(caller: Caller | None) -> bool:
    return caller is not None and caller.role is Role.INSTANCE


def _as_seen_in(space: str, source: Source) -> Source:
    """A source as the administrators of one space may know it: other spaces are not named."""
    return replace(source, spaces=(space,), feeds_other_spaces=len(source.spaces) > 1)


def _no_source(space: str, source: str) -> NoSuch:
    return NoSuch("source", f"There is no source “{source}” that feeds “{space}”.")


def _feeds_others(source: str) -> FeedsOthers:
    return FeedsOthers(
        "source",
        f"The source “{source}” feeds other spaces too.",
        remedy="Only the instance administrator can change it.",
    )
