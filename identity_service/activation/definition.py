"""The definition of a destination: a text of YAML that says what goes there, and how it is named.

::

    key: [user_id, email]            # what keys a record, the first that a customer has
    attributes:
      first_name: trait.first_name   # what the destination calls it: where it comes from
      orders: feature.orders_30d
      phone: identifier.phone        # the oldest one
      emails: identifiers.email      # all of them
    audiences:
      cart_abandoned: in_cart_abandoned   # our name: the destination's
    events:
      Order Completed: order_completed    # likewise; those that happen from now on
    consent: marketing               # nobody goes there who has not granted it
    merge: mark                      # or vendor
    connection:
      region: eu
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from typing import Any, Final, cast

from identity_service.activation.records import UNIVERSAL_ID
from identity_service.domain.policies.policy import TYPE_NAME_HELP, is_type_name
from identity_service.domain.policies.yaml_text import read_yaml
from identity_service.errors import DestinationInvalid, Problem

MAX_BYTES: Final = 64 * 1024
"""Longest text that is read."""

MAX_ATTRIBUTES: Final = 300
"""Most attributes and most audiences of one destination."""

_MAX_NAME: Final = 150
_MAX_VALUE: Final = 2_048
_MAX_RATE: Final = 10_000
_KEYS: Final = (
    "key",
    "attributes",
    "audiences",
    "events",
    "consent",
    "merge",
    "names",
    "requests_per_second",
    "connection",
)
_NAMES: Final = ("universal_id", "retired_ids", "merged_into")


class Origin(StrEnum):
    """Where an attribute comes from."""

    TRAIT = "trait"
    FEATURE = "feature"
    IDENTIFIER = "identifier"
    IDENTIFIERS = "identifiers"


class Merge(StrEnum):
    """What becomes of the record of a customer that was merged into another.

    MARK writes the survivor's id on it and takes it out of every audience; VENDOR has the
    destination merge the two, which it cannot take back.
    """

    MARK = "mark"
    VENDOR = "vendor"


class TakesEvents(Enum):
    """Whether a vendor takes events, and knows one that comes twice by an id that we give it.

    One that is sent WITHOUT_ID is sent at most once: where no answer came, nobody knows.
    """

    NEVER = auto()
    WITHOUT_ID = auto()
    BY_ID = auto()


@dataclass(frozen=True, slots=True)
class Attribute:
    """Where an attribute comes from: `trait.first_name`."""

    origin: Origin
    name: str

    def __str__(self) -> str:
        return f"{self.origin}.{self.name}"


@dataclass(frozen=True, slots=True)
class Names:
    """How the destination calls what is not a trait: the customer's id, those that it had before,
    and on a record of one that was merged, the id of the survivor.
    """

    universal_id: str = "universal_id"
    retired_ids: str = "retired_ids"
    merged_into: str = "merged_into"


@dataclass(frozen=True, slots=True)
class Definition:
    """What goes to a destination. `audiences` and `events` map our names to the destination's."""

    key: tuple[str, ...] = ("user_id", "email", UNIVERSAL_ID)
    attributes: Mapping[str, Attribute] = field(default_factory=dict[str, Attribute])
    audiences: Mapping[str, str] = field(default_factory=dict[str, str])
    events: Mapping[str, str] = field(default_factory=dict[str, str])
    consent: str | None = None
    merge: Merge = Merge.MARK
    names: Names = Names()
    requests_per_s: float | None = None
    connection: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class VendorRules:
    """What a vendor asks of a definition.

    `required` and `optional` are names under `connection`, `secrets` those of the secrets, of
    which `optional_secrets` may be left out. A record is keyed by one of `keys`; None: by any type.
    `default_key` is for definitions that name none. `patterns` are what settings have to match.
    """

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    optional_secrets: tuple[str, ...] = ()
    keys: frozenset[str] | None = None
    default_key: tuple[str, ...] = ("user_id", "email", UNIVERSAL_ID)
    merges: bool = False
    events: TakesEvents = TakesEvents.NEVER
    patterns: Mapping[str, str] = field(default_factory=dict[str, str])


def parse_definition(text: str, vendor: VendorRules) -> Definition:
    """Read a text. Raises DestinationInvalid with every mistake, each at its path."""
    data, problems = read_yaml(text, name="definition", max_bytes=MAX_BYTES)
    if data is None and problems:
        raise DestinationInvalid(tuple(problems))
    read = _Parser(problems, vendor).definition({} if data is None else data)
    if problems:
        raise DestinationInvalid(tuple(problems))
    return read


def check_secrets(secrets: Mapping[str, str], vendor: VendorRules) -> None:
    """Raises DestinationInvalid unless they are those that the vendor asks for."""
    problems = [
        Problem(f"secrets.{name}", f"there is no such secret: there are {_listed(_all(vendor))}")
        for name in sorted(secrets.keys() - set(_all(vendor)))
    ]
    problems += [
        Problem(f"secrets.{name}", "is missing")
        for name in vendor.secrets
        if not secrets.get(name, "").strip()
    ]
    problems += [
        Problem(f"secrets.{name}", f"has no visible characters, or more than {_MAX_VALUE:,}")
        for name, value in secrets.items()
        if value.strip() and (len(value) > _MAX_VALUE or not value.isprintable())
    ]
    if problems:
        raise DestinationInvalid(tuple(problems))


class _Parser:
    """Reads plain data, and gathers what is wrong with it."""

    def __init__(self, problems: list[Problem], vendor: VendorRules) -> None:
        self._problems = problems
        self._vendor = vendor

    def definition(self, data: object) -> Definition:
        """The definition, as far as it is right."""
        if not isinstance(data, dict):
            self._wrong("definition", f"write a mapping with {_listed(_KEYS)}")
            return Definition()
        found = cast("dict[str, object]", data)
        for key in found.keys() - set(_KEYS):
            self._wrong(key, f"there is no such setting: there are {_listed(_KEYS)}")
        read = Definition(
            key=self._key(found.get("key")),
            attributes=self._attributes(found.get("attributes")),
            audiences=self._called("audiences", found.get("audiences")),
            events=self._events(found.get("events")),
            consent=self._consent(found.get("consent")),
            merge=self._merge(found.get("merge")),
            names=self._names(found.get("names")),
            requests_per_s=self._rate(found.get("requests_per_second")),
            connection=self._connection(found.get("connection")),
        )
        self._no_name_twice(read)
        return read

    def _key(self, data: object) -> tuple[str, ...]:
        if data is None:
            return self._vendor.default_key
        entries = cast("list[object]", data) if isinstance(data, list) else [data]
        types: list[str] = []
        for each in entries:
            if not (isinstance(each, str) and is_type_name(each)):
                self._wrong("key", f"write types of identifiers: {TYPE_NAME_HELP}")
            elif self._vendor.keys is not None and each not in self._vendor.keys:
                allowed = _listed(sorted(self._vendor.keys))
                self._wrong("key", f"the vendor keys no record by {each}: write {allowed}")
            else:
                types.append(each)
        if not types and not self._problems:
            self._wrong("key", "write at least one type of identifier")
        return tuple(types)

    def _attributes(self, data: object) -> dict[str, Attribute]:
        attributes: dict[str, Attribute] = {}
        for name, value in self._mapping("attributes", data).items():
            origin, _, rest = value.partition(".") if isinstance(value, str) else ("", "", "")
            if origin not in {each.value for each in Origin} or not rest:
                self._wrong(
                    f"attributes.{name}",
                    "write trait.NAME, feature.NAME, identifier.TYPE or identifiers.TYPE",
                )
                continue
            attributes[name] = Attribute(Origin(origin), rest)
        return attributes

    def _called(self, path: str, data: object) -> dict[str, str]:
        return {
            name: called
            for name, value in self._mapping(path, data).items()
            if (called := self._name(f"{path}.{name}", value)) is not None
        }

    def _events(self, data: object) -> dict[str, str]:
        if data is not None and self._vendor.events is TakesEvents.NEVER:
            self._wrong("events", "the vendor takes no events: leave them out")
            return {}
        return self._called("events", data)

    def _consent(self, data: object) -> str | None:
        return None if data is None else self._name("consent", data)

    def _merge(self, data: object) -> Merge:
        if data is None:
            return Merge.MARK
        if data not in {each.value for each in Merge}:
            self._wrong("merge", "write mark, or vendor")
            return Merge.MARK
        merge = Merge(data)
        if merge is Merge.VENDOR and not self._vendor.merges:
            self._wrong("merge", "the vendor cannot merge records: write mark")
        return merge

    def _names(self, data: object) -> Names:
        names = self._mapping("names", data)
        for name in names.keys() - set(_NAMES):
            self._wrong(f"names.{name}", f"there is no such name: there are {_listed(_NAMES)}")
        called = {
            name: called
            for name in _NAMES
            if name in names and (called := self._name(f"names.{name}", names[name])) is not None
        }
        return Names(**called)

    def _rate(self, data: object) -> float | None:
        if data is None:
            return None
        if isinstance(data, bool) or not isinstance(data, int | float) or not 0 < data <= _MAX_RATE:
            self._wrong("requests_per_second", f"write a number above 0, at most {_MAX_RATE:,}")
            return None
        return float(data)

    def _connection(self, data: object) -> dict[str, str]:
        entries = self._mapping("connection", data)
        known = (*self._vendor.required, *self._vendor.optional)
        for name in entries.keys() - set(known):
            there_are = f"there are {_listed(known)}" if known else "there are none"
            self._wrong(f"connection.{name}", f"there is no such setting: {there_are}")
        for name in self._vendor.required:
            if entries.get(name) in (None, ""):
                self._wrong(f"connection.{name}", "is missing")
        read: dict[str, str] = {}
        for name in known:
            value: Any = entries.get(name)
            if value is None:
                continue
            text = str(value) if not isinstance(value, bool | list | dict) else ""
            pattern = self._vendor.patterns.get(name)
            if not 0 < len(text) <= _MAX_VALUE or not text.isprintable():
                self._wrong(f"connection.{name}", "write text")
            elif pattern is not None and not re.fullmatch(pattern, text):
                self._wrong(f"connection.{name}", f"it has to match {pattern}")
            read[name] = text
        return read

    def _no_name_twice(self, read: Definition) -> None:
        names = read.names
        called = [*read.attributes, *read.audiences.values()]
        called += [names.universal_id, names.retired_ids, names.merged_into]
        for name in sorted({each for each in called if called.count(each) > 1}):
            self._wrong(name, "two things go to the destination by this name")

    def _mapping(self, path: str, data: object) -> dict[str, object]:
        if data is None:
            return {}
        if not isinstance(data, dict):
            self._wrong(path, "write a mapping")
            return {}
        entries = cast("dict[str, object]", data)
        if len(entries) > MAX_ATTRIBUTES:
            self._wrong(path, f"{len(entries)} are too many: at most {MAX_ATTRIBUTES}")
            return {}
        return {name: value for name, value in entries.items() if self._name(path, name)}

    def _name(self, path: str, data: object) -> str | None:
        if isinstance(data, str) and 0 < len(data) <= _MAX_NAME and data.isprintable():
            return data
        self._wrong(path, f"write a name: text of 1 to {_MAX_NAME} characters")
        return None

    def _wrong(self, path: str, message: str) -> None:
        self._problems.append(Problem(path, message))


def _all(vendor: VendorRules) -> tuple[str, ...]:
    return (*vendor.secrets, *vendor.optional_secrets)


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(names) if names else "none"
