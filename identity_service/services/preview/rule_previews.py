"""What other reading rules would make of the newest events of a source. Nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from identity_service.collect.reading_rules import ReadingRules, parse_rules
from identity_service.collect.sent_events import as_sent
from identity_service.domain.events import ReportedEvent
from identity_service.domain.identifiers import Identifier
from identity_service.errors import NoSuch
from identity_service.graph.sources import SentEvent, SourceStore
from identity_service.services.spaces.access import Role, SpaceScope, forbidden

MAX_EVENTS: Final = 500
"""Most events that one preview reads."""

SCANNED: Final = 20_000
"""Of how many of the newest events of the space they are."""


@dataclass(frozen=True, slots=True)
class ReadEvent:
    """What rules make of an event: its name, whom it names, and when it happened."""

    name: str | None
    identifiers: tuple[Identifier, ...]
    at: int


@dataclass(frozen=True, slots=True)
class ReadDifference:
    """An event that the rules in force and others read differently; None where they drop it."""

    message_id: str
    before: ReadEvent | None
    after: ReadEvent | None


@dataclass(frozen=True, slots=True)
class RulesPreview:
    """How many events were read, and those that are read differently, newest receipt first."""

    events: int
    differences: Sequence[ReadDifference]


class RulePreviews:
    """Previews reading rules."""

    def __init__(self, store: SourceStore) -> None:
        self._store = store

    async def preview(self, scope: SpaceScope, source: str, rules: str, first: int) -> RulesPreview:
        """Read the newest events of a source again, by the rules in force and by others.

        Raises Forbidden below ADMIN, FieldInvalid where no such source feeds the space, and
        ReadingRulesInvalid.
        """
        if not scope.allows(Role.ADMIN):
            raise forbidden(Role.ADMIN, scope.space)
        new = parse_rules(rules)
        found = await self._store.source(source)
        if found is None or scope.space not in found.spaces:
            raise NoSuch("source", f"There is no source “{source}” that feeds “{scope.space}”.")
        in_force = parse_rules(found.rules or "")
        events = await self._store.recent_events(scope.space, source, SCANNED, first)
        compared = [_difference(each, in_force, new) for each in events]
        return RulesPreview(len(events), [each for each in compared if each.before != each.after])


def _difference(stored: SentEvent, in_force: ReadingRules, new: ReadingRules) -> ReadDifference:
    sent = as_sent(_reported(stored))
    before, after = (_read(rules, sent, stored.received_at) for rules in (in_force, new))
    return ReadDifference(stored.message_id, before, after)


def _read(rules: ReadingRules, sent: ReportedEvent, received_at: int) -> ReadEvent | None:
    read = rules.read(sent, received_at)
    if read is None:
        return None
    identifiers = tuple(sorted(read.identifiers))
    return ReadEvent(read.name, identifiers, rules.time_of(sent, received_at))


def _reported(stored: SentEvent) -> ReportedEvent:
    def held(text: str | None) -> dict[str, Any]:
        return orjson.loads(text) if text else {}

    return ReportedEvent(
        message_id=stored.message_id,
        type=stored.type,
        name=stored.name,
        at=stored.at,
        identifiers=(),
        properties=held(stored.properties_json),
        context=held(stored.context_json),
        traits=held(stored.traits_json),
        context_traits=held(stored.context_traits_json),
        account_id=None,
        account_traits={},
        digest="",
        place=stored.place,
    )
