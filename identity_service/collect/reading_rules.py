"""Reading rules of a source: what its events are called, and which of their fields name whom.

A text of YAML, applied to what an adapter has read, before the policy of a space. Every event
stays the one that it was: its message id and what it says are not changed, so that one that is sent
again is known, whatever the rules were meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC
from functools import lru_cache
from typing import Any, Final, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from identity_service.collect.identifiers import identifier_text
from identity_service.collect.refused import Refused
from identity_service.collect.segment import Collected
from identity_service.collect.times import event_time, read_time, sent_time, with_zone
from identity_service.domain.events import Rejection, RejectionCode, ReportedEvent, event_body
from identity_service.domain.identifiers import Identifier
from identity_service.domain.policies.normalise import is_region
from identity_service.domain.policies.policy import TYPE_NAME_HELP, is_type_name
from identity_service.domain.policies.yaml_text import read_yaml
from identity_service.errors import Problem, ReadingRulesInvalid

MAX_RULES_BYTES: Final = 16 * 1024
"""Longest text that is read."""

SENT_NAME: Final = "sentName"
"""Under which key of its context an event that is renamed keeps the name that it was sent with."""

MAX_FIELDS: Final = 50
"""Most fields that are mapped: each is looked up on every event."""

MAX_NAMES: Final = 500
"""Most names that are renamed, and most that are dropped."""

_MAX_NAME: Final = 1_024

_TYPES_BY_DEFAULT: Final[Mapping[str, tuple[str, ...]]] = {
    "userId": ("user_id",),
    "anonymousId": ("anonymous_id", "email"),
    "previousId": ("anonymous_id", "email"),
    "traits.email": ("email",),
    "traits.phone": ("phone",),
}
"""What fields are read as without rules."""

_PARTS: Final = ("properties", "traits", "context")
_KEYS: Final = ("rename", "drop", "identifiers", "region", "time_zone")


@dataclass(frozen=True, slots=True)
class MappedField:
    """A field of events, by its path, and the type of the identifier in it; None: it is none."""

    path: str
    type: str | None

    def value(self, event: ReportedEvent) -> object:
        """What the field holds; None where an event has no such field."""
        part, *keys = self.path.split(".")
        match part:
            case "properties":
                return _at(event.properties, keys)
            case "context":
                return _at(event.context, keys)
            case "traits":
                found = _at(event.traits, keys)
                return _at(event.context_traits, keys) if found is None else found
            case _:
                return _sent(event, part)


@dataclass(frozen=True, slots=True)
class ReadingRules:
    """The rules of a text.

    `renamed` maps names of events, as they are sent, to others; those of `dropped` are not taken.
    `region` is the country of national phone numbers (ISO 3166). `time_zone` is that of times that
    name none.
    """

    renamed: Mapping[str, str] = field(default_factory=dict[str, str])
    dropped: frozenset[str] = frozenset()
    fields: tuple[MappedField, ...] = ()
    region: str | None = None
    time_zone: ZoneInfo | None = None

    def read(self, event: ReportedEvent, received_at: int) -> ReportedEvent | None:
        """The event by the rules, None where they drop it; it may have no identifier."""
        if event.name in self.dropped:
            return None
        changed: dict[str, Any] = {}
        name = None if event.name is None else self.renamed.get(event.name)
        if name is not None:
            changed["name"] = name
            changed["context"] = {**event.context, SENT_NAME: event.name}
        if self.fields:
            changed["identifiers"] = self._identifiers(event)
        if self.time_zone is not None:
            changed["at"] = self.time_of(event, received_at)
        return replace(event, **changed) if changed else event

    def time_of(self, event: ReportedEvent, received_at: int) -> int:
        """When an event happened: a time that it states without a zone is of that of the rules."""
        zone = self.time_zone or UTC
        stated = _sent(event, "timestamp") or _sent(event, "originalTimestamp")
        zoned, sent_at = with_zone(stated, zone), with_zone(_sent(event, "sentAt"), zone)
        if zoned == stated:
            return event.at
        was_corrected = bool(_sent(event, "receivedAt"))
        try:
            return event_time(
                read_time(zoned, "timestamp"),
                None if was_corrected else sent_time(sent_at),
                received_at,
            )
        except Refused:
            return event.at

    def _identifiers(self, event: ReportedEvent) -> tuple[Identifier, ...]:
        found = dict.fromkeys(event.identifiers)
        added: dict[Identifier, None] = {}
        for each in self.fields:
            text = identifier_text(each.value(event))
            if text is None:
                continue
            if (kinds := _TYPES_BY_DEFAULT.get(each.path)) is not None:
                read = [i for kind in kinds if (i := Identifier(kind, text)) in found]
                if not read:
                    continue  # the adapter had its reasons: it is an account's, or names nobody
                for identifier in read:
                    del found[identifier]
            if each.type is not None:
                added[Identifier(each.type, text)] = None
        return tuple(found | added)


def apply(rules: ReadingRules, collected: Collected, received_at: int) -> tuple[Collected, int]:
    """What a request brought, by the rules, and how many events they drop.

    An event that named nobody may name somebody by them, and the other way round.
    """
    events: list[ReportedEvent] = []
    rejections: list[Rejection] = []
    dropped = 0
    for one in (*collected.events, *collected.rejections):
        read = one.event if isinstance(one, Rejection) else one
        event = None if read is None else rules.read(read, received_at)
        if read is not None and event is None:
            dropped += 1
        elif event is not None and event.identifiers:
            events.append(event)
        elif isinstance(one, Rejection):
            rejections.append(one)
        else:
            rejections.append(_names_nobody(one))
    # In the order of the request, which decides between events of one moment.
    ordered = tuple(sorted(events, key=_place))
    return replace(collected, events=ordered, rejections=tuple(rejections)), dropped


def with_sent_name(event: ReportedEvent) -> ReportedEvent:
    """An event that rules may have renamed, under the name that it was sent with."""
    if SENT_NAME not in event.context:
        return event
    context = {key: value for key, value in event.context.items() if key != SENT_NAME}
    return replace(event, name=event.context[SENT_NAME], context=context)


@lru_cache(maxsize=1_000)
def parse_rules(text: str) -> ReadingRules:
    """Read a text. Raises ReadingRulesInvalid with every mistake, each at its path."""
    data, problems = read_yaml(text, name="rules", max_bytes=MAX_RULES_BYTES)
    if data is None and problems:
        raise ReadingRulesInvalid(tuple(problems))
    rules = _Parser(problems).rules({} if data is None else data)
    if problems:
        raise ReadingRulesInvalid(tuple(problems))
    return rules


class _Parser:
    """Reads plain data, and gathers what is wrong with it."""

    def __init__(self, problems: list[Problem]) -> None:
        self._problems = problems

    def rules(self, data: object) -> ReadingRules:
        """The rules, as far as they are right."""
        if not isinstance(data, dict):
            self._wrong("rules", f"write a mapping with {', '.join(_KEYS)}")
            return ReadingRules()
        found = cast("dict[str, object]", data)
        for key in found.keys() - set(_KEYS):
            self._wrong(key, f"there is no such rule: there are {', '.join(_KEYS)}")
        return ReadingRules(
            renamed=self._renamed(found.get("rename")),
            dropped=self._dropped(found.get("drop")),
            fields=self._fields(found.get("identifiers")),
            region=self._region(found.get("region")),
            time_zone=self._zone(found.get("time_zone")),
        )

    def _renamed(self, data: object) -> dict[str, str]:
        entries = self._mapping("rename", data, MAX_NAMES, "names that are sent, to others")
        return {
            name: other
            for name, value in entries.items()
            if (other := self._name(f"rename.{name}", value)) is not None
        }

    def _dropped(self, data: object) -> frozenset[str]:
        if data is None:
            return frozenset()
        if not isinstance(data, list):
            self._wrong("drop", "write a list of names of events")
            return frozenset()
        entries = cast("list[object]", data)
        if len(entries) > MAX_NAMES:
            self._wrong("drop", f"{len(entries)} are too many: at most {MAX_NAMES}")
        names = (self._name(f"drop.{n}", each) for n, each in enumerate(entries[:MAX_NAMES]))
        return frozenset(name for name in names if name is not None)

    def _fields(self, data: object) -> tuple[MappedField, ...]:
        entries = self._mapping("identifiers", data, MAX_FIELDS, "fields, to identifier types")
        fields: list[MappedField] = []
        for path, kind in entries.items():
            where = f"identifiers.{path}"
            part, *keys = path.split(".")
            is_path = part in _PARTS and bool(keys) and all(keys)
            if path not in _TYPES_BY_DEFAULT and not is_path:
                self._wrong(
                    where,
                    "there is no such field: write userId, anonymousId, previousId,"
                    " properties.NAME, traits.NAME or context.NAME",
                )
            elif kind is not None and not (isinstance(kind, str) and is_type_name(kind)):
                self._wrong(where, f"not the name of a type: {TYPE_NAME_HELP}, or null")
            else:
                fields.append(MappedField(path, kind))
        return tuple(fields)

    def _region(self, data: object) -> str | None:
        if data is None:
            return None
        if isinstance(data, str) and is_region(data):
            return data
        self._wrong("region", "there is no such country: write NL, or DE")
        return None

    def _zone(self, data: object) -> ZoneInfo | None:
        if data is None:
            return None
        try:
            return ZoneInfo(data if isinstance(data, str) else "")
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self._wrong("time_zone", "there is no such time zone: write Europe/Amsterdam, or UTC")
            return None

    def _mapping(self, path: str, data: object, most: int, of: str) -> dict[str, object]:
        if data is None:
            return {}
        if not isinstance(data, dict):
            self._wrong(path, f"write a mapping from {of}")
            return {}
        entries = cast("dict[str, object]", data)
        if len(entries) > most:
            self._wrong(path, f"{len(entries)} are too many: at most {most}")
            return {}
        return entries

    def _name(self, path: str, data: object) -> str | None:
        if isinstance(data, str) and 0 < len(data) <= _MAX_NAME and data.isprintable():
            return data
        self._wrong(path, f"write the name of an event: text of 1 to {_MAX_NAME:,} characters")
        return None

    def _wrong(self, path: str, message: str) -> None:
        self._problems.append(Problem(path, message))


def _at(where: Mapping[str, Any], keys: Iterable[str]) -> object:
    found: object = where
    for key in keys:
        if not isinstance(found, Mapping):
            return None
        found = cast("Mapping[str, object]", found).get(key)
    return found


def _sent(event: ReportedEvent, name: str) -> object:
    """A field of the call itself: it is kept beside those of the context, or as `_name`."""
    return event.context.get(f"_{name}", event.context.get(name))


def _names_nobody(event: ReportedEvent) -> Rejection:
    return Rejection(
        RejectionCode.NO_IDENTIFIER,
        "By the reading rules of its source, the event names nobody.",
        event.message_id,
        event_body(event),
        event.digest,
        {"place": event.place} if event.place else None,
    )


def _place(event: ReportedEvent) -> int:
    return event.place
