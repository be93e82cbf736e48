# ruff: noqa: D102  (a method reads the part of the text that it is named for)
"""Which occurrences count, as a text of profiles says it: steps, windows, tests of properties."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, cast

from identity_service.domain.policies.field_reader import (
    Choice,
    FieldReader,
    join,
    meant,
    plain,
    shown,
)
from identity_service.domain.profiles.definitions import (
    AllOf,
    AnyOf,
    Comparison,
    NotOf,
    Operator,
    Predicate,
    PropertyIs,
    Scalar,
    Selection,
    Window,
)
from identity_service.domain.timestamps import read_moment
from identity_service.errors import Problem

MAX_ENTRIES: Final = 100
"""Most entries of a list of steps, sources, operands or values."""

MAX_TEXT: Final = 1_024
"""Longest step, source, property or value, in characters."""

MAX_TIMES: Final = 1_000_000_000
"""Most occurrences that a bound may name."""

MOST_NAMED: Final = 30
"""Most names that the message of a mistake lists."""

NAME_HELP: Final = "a letter, then up to 63 letters, digits or “_”"

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_CALLS: Final = ("track", "page", "screen", "identify", "group", "alias")
_OF_TIMES: Final = (Operator.BEFORE, Operator.AFTER, Operator.IN_LAST)
_OF_PROPERTIES: Final = tuple(o for o in Operator if o not in _OF_TIMES)
_OF_TEXT: Final = (Operator.STARTS, Operator.ENDS)
_ORDERED: Final = (Operator.GT, Operator.GTE, Operator.LT, Operator.LTE)
_TIME_HELP: Final = "write a time as 2026-01-31 or 2026-01-31T12:00:00Z"


@dataclass(slots=True)
class SelectionReader(FieldReader):
    """One pass over one text: what is wrong is collected, and reading goes on.

    The methods answer something usable even after a mistake, so that later mistakes are found.
    """

    whole_text = "profiles"

    warnings: list[Problem] = field(default_factory=list[Problem])

    def selection(self, fields: Mapping[str, Any], key: str, path: str) -> Selection:
        """Without a value at `key` any step counts, in features of a property only."""
        steps, call = self.steps(fields, key, path)
        types = self.texts(fields, "kinds_of_events", path)
        for at, name in enumerate(types):
            if name not in _CALLS:
                self.note(f"{path}.kinds_of_events.{at}", f"there is no call{meant(name, _CALLS)}")
        sources = self.texts(fields, "sources", path)
        return Selection(
            steps=steps,
            call=call,
            where=self.where(fields, path),
            window=self.window(fields, path),
            sources=frozenset(sources) if "sources" in fields else None,
            types=frozenset(types) if "kinds_of_events" in fields else None,
        )

    def steps(
        self, fields: Mapping[str, Any], key: str, path: str
    ) -> tuple[frozenset[str] | None, str | None]:
        """Steps (None: any), and instead of them the call."""
        value, where = fields.get(key), join(path, key)
        if value is None:
            if key != "of" or key in fields:
                self.note(where, "is empty: name a step, a list of steps, or any")
            return None, None
        if isinstance(value, dict):
            call = self.mapping(cast("object", value), where, ("call",))
            name = call.get("call")
            if name not in _CALLS:
                self.note(
                    join(where, "call"), f"there is no call {shown(name)}{meant(name, _CALLS)}"
                )
                return None, None
            return None, str(name)
        if value == "any":
            return None, None
        listed = isinstance(value, list)
        names = self.texts(fields if listed else {key: [value]}, key, path, one=not listed)
        return frozenset(names), None

    def window(self, fields: Mapping[str, Any], path: str) -> Window:
        given = [key for key in ("within", "between", "since") if fields.get(key) is not None]
        if len(given) > 1:
            self.note(path, f"has {' and '.join(given)}: write one of them")
        if "between" in given:
            return self.between(fields, path)
        since = self.moment(fields, "since", path)
        return Window(oldest=self.duration(fields, "within", path), since=since)

    def between(self, fields: Mapping[str, Any], path: str) -> Window:
        where = join(path, "between")
        given: object = fields["between"]
        bounds = cast("list[Any]", given) if isinstance(given, list) else []
        if len(bounds) != 2:
            self.note(where, "takes two durations, the longer one first: [90d, 30d]")
            return Window()
        named = {str(at): bound for at, bound in enumerate(bounds)}
        oldest, newest = self.duration(named, "0", where), self.duration(named, "1", where)
        if oldest is not None and newest is not None and oldest <= newest:
            self.note(where, "is empty: write the longer duration first, as in [90d, 30d]")
        return Window(oldest=oldest, newest=newest or 0)

    def moment(self, fields: Mapping[str, Any], key: str, path: str) -> int | None:
        value = fields.get(key)
        if value is None:
            return None
        try:
            return read_moment(value)
        except (ValueError, TypeError, OverflowError):
            self.note(join(path, key), f"{shown(value)} is no time: {_TIME_HELP}")
            return None

    def where(self, fields: Mapping[str, Any], path: str) -> Predicate | None:
        if "where" not in fields:
            return None
        return self.predicate(fields["where"], join(path, "where"))

    def predicate(self, value: object, path: str) -> Predicate:
        parts: list[Predicate] = []
        fields = self.mapping(value, path, None)
        if value == {}:
            self.note(path, "is empty: leave it out, or test a property")
        for key, said in fields.items():
            where = join(path, key)
            match key:
                case "any" | "all":
                    given = self.several(fields, key, path, "tests")
                    inner = tuple(self.predicate(v, f"{where}.{n}") for n, v in enumerate(given))
                    parts.append(AnyOf(inner) if key == "any" else AllOf(inner))
                case "not":
                    parts.append(NotOf(self.predicate(said, where)))
                case _:
                    self.property_name({key: key}, key, path)
                    parts.append(PropertyIs(key, self.property_tests(said, where)))
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def property_tests(self, said: object, path: str) -> tuple[Comparison, ...]:
        if isinstance(said, dict):
            fields = self.mapping(cast("object", said), path, _OF_PROPERTIES)
            if not fields:
                self.note(path, f"compares nothing. Possible: {', '.join(_OF_PROPERTIES)}")
            return self.comparisons(fields, path)
        scalar = self.scalar(said, path)
        return (Comparison(Operator.IS, "" if scalar is None else scalar),)

    def comparisons(self, fields: Mapping[str, Any], path: str) -> tuple[Comparison, ...]:
        found: list[Comparison] = []
        for operator in Operator:
            if operator in fields:
                operand = self.operand(fields, operator, path)
                if operand is not None:
                    found.append(Comparison(operator, operand))
        return tuple(found)

    def operand(
        self, fields: Mapping[str, Any], operator: Operator, path: str
    ) -> Scalar | tuple[Scalar, ...] | None:
        value, where = fields[operator], join(path, operator)
        match operator:
            case Operator.IN | Operator.NOT_IN:
                given = self.several(fields, operator, path, "values")
                scalars = [self.scalar(each, f"{where}.{at}") for at, each in enumerate(given)]
                return tuple(each for each in scalars if each is not None)
            case Operator.EXISTS:
                if not isinstance(value, bool):
                    self.note(where, f"{shown(value)} is neither true nor false")
                return value is True
            case Operator.MATCHES:
                return self.regex(fields, operator, path)
            case Operator.BEFORE | Operator.AFTER:
                return self.given(self.moment(fields, operator, path), value, where)
            case Operator.IN_LAST:
                return self.given(self.duration(fields, operator, path), value, where)
            case _:
                return self.scalar_of(operator, value, where)

    def given(self, read: int | None, value: object, path: str) -> int | None:
        if value is None:
            self.note(path, "is empty")
        return read

    def scalar_of(self, operator: Operator, value: object, path: str) -> Scalar | None:
        if operator in _OF_TEXT and not isinstance(value, str):
            self.note(path, f"{shown(value)} is not text: put it in quotes")
            return None
        if operator in _ORDERED and isinstance(value, bool):
            self.note(path, f"{shown(value)} is neither a number nor text")
            return None
        return self.scalar(value, path)

    def scalar(self, value: object, path: str) -> Scalar | None:
        """A value that something is compared with; its numbers are as they are written."""
        match value:
            case None:
                self.note(
                    path, 'is empty: write a value (text in quotes: "null"), or exists: false'
                )
            case bool() | int() | Decimal():
                return value
            case str():
                if len(value) > MAX_TEXT:
                    self.note(path, f"is too long: at most {MAX_TEXT:,} characters")
                return value
            case _:
                self.note(path, f"{shown(value)} is no value: write text, a number, true or false")
        return None

    def section(self, fields: Mapping[str, Any], key: str, most: int) -> Mapping[str, Any]:
        value: object = fields.get(key)
        entries = self.mapping({} if value is None else value, key, None)
        if len(entries) > most:
            self.note(key, f"has {len(entries):,} entries: at most {most:,}")
        return entries

    def name(self, name: str, path: str) -> None:
        if not _NAME.fullmatch(name):
            self.note(path, f"is no name here: {NAME_HELP}")

    def warn(self, path: str, message: str) -> None:
        self.warnings.append(Problem(path, message))

    # Single values

    def several(self, fields: Mapping[str, Any], key: str, path: str, what: str) -> list[Any]:
        """A list that is neither empty nor too long."""
        given = fields.get(key)
        if isinstance(given, list) and 1 <= len(cast("list[Any]", given)) <= MAX_ENTRIES:
            return cast("list[Any]", given)
        self.note(join(path, key), f"takes a list of 1 to {MAX_ENTRIES} {what}")
        return []

    def texts(
        self, fields: Mapping[str, Any], key: str, path: str, *, one: bool = False
    ) -> tuple[str, ...]:
        """Texts of a list; of `one`, the path says nothing of a list."""
        if fields.get(key) is None:
            return ()
        where = join(path, key)
        found: list[str] = []
        for at, value in enumerate(self.several(fields, key, path, "texts")):
            text = self.property_name({"": value}, "", where if one else f"{where}.{at}")
            if value is None:
                self.note(f"{where}.{at}", 'is empty; text goes in quotes: "null"')
            if text is not None:
                found.append(text)
        return tuple(found)

    def property_name(self, fields: Mapping[str, Any], key: str, path: str) -> str | None:
        """A text that is neither empty nor too long, as names of properties and steps are."""
        value, where = fields.get(key), join(path, key)
        if value is None:
            return None
        if not isinstance(value, str):
            self.note(where, f'must be text: put it in quotes, "{plain(value)}"')
            return None
        if not 0 < len(value) <= MAX_TEXT:
            self.note(where, f"must be text of 1 to {MAX_TEXT:,} characters")
            return None
        return value

    def listed(
        self, fields: Mapping[str, Any], key: str, path: str, choices: type[Choice]
    ) -> frozenset[Choice] | None:
        """Words of an enumeration; None where the field is absent."""
        if fields.get(key) is None:
            return None
        where = join(path, key)
        given = {str(at): value for at, value in enumerate(self.sequence(fields, key, path))}
        found = [self.choice(given, at, where, choices) for at in given]
        return frozenset(word for word in found if word is not None)


def meant_name(value: object, names: Iterable[str]) -> str:
    """As `meant`, of names that the text itself chose: too many are not all named."""
    known = tuple(names)
    if not known:
        return ": the text has none"
    said = meant(value, known)
    return said if len(known) <= MOST_NAMED else said.partition(" Possible:")[0]
