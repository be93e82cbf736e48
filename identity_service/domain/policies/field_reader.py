"""Reads the fields of a text that people write: the right kind of value, or a mistake at its path.

What policies and profiles have in common. Reading goes on after a mistake, so that all are found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, ClassVar, TypeVar, cast

from identity_service.domain.policies.durations import DURATION_HELP, parse_duration
from identity_service.domain.policies.regexes import compile_regex
from identity_service.errors import Problem

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(slots=True)
class FieldReader:
    """Collects what is wrong with the fields of a text; `whole_text` is the path of the whole.

    A key that is absent or null gives None, and so does a mistake.
    """

    whole_text: ClassVar[str]

    problems: list[Problem] = field(default_factory=list[Problem])

    def mapping(self, value: object, path: str, keys: tuple[str, ...] | None) -> Mapping[str, Any]:
        """The fields of a mapping; those that are not among `keys` are mistakes."""
        if not isinstance(value, dict):
            self.note(path or self.whole_text, f"{shown(value)} is not a mapping of `key: value`")
            return {}
        fields: dict[str, Any] = {str(k): v for k, v in cast("dict[Any, Any]", value).items()}
        for key in fields:
            if keys is not None and key not in keys:
                self.note(join(path, key), f"there is no such key{meant(key, keys)}")
        return fields

    def require(self, fields: Mapping[str, Any], key: str, path: str, hint: str) -> None:
        """A field must be there."""
        if fields.get(key) is None:
            self.note(join(path, key), f"is missing: {hint}")

    def sequence(self, fields: Mapping[str, Any], key: str, path: str) -> list[Any]:
        """The entries of a list."""
        value = fields.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.note(join(path, key), f"{shown(value)} is not a list")
            return []
        return cast("list[Any]", value)

    def whole(
        self, fields: Mapping[str, Any], key: str, path: str, low: int, high: int
    ) -> int | None:
        """A whole number from `low` to `high`."""
        value = fields.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            bounds = f"{low:,} to {high:,}"
            self.note(join(path, key), f"{shown(value)} is not a whole number from {bounds}")
            return None
        return value

    def choice(
        self, fields: Mapping[str, Any], key: str, path: str, choices: type[Choice]
    ) -> Choice | None:
        """One of the words of an enumeration."""
        value = fields.get(key)
        names = tuple(choices)
        if value is None or value in names:
            return None if value is None else choices(value)
        self.note(join(path, key), f"{shown(value)} is not possible here{meant(value, names)}")
        return None

    def duration(self, fields: Mapping[str, Any], key: str, path: str) -> int | None:
        """A duration, in milliseconds."""
        value = fields.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            self.note(join(path, key), f"{shown(value)} is not a duration: {DURATION_HELP}")
            return None
        try:
            return parse_duration(value)
        except ValueError as mistake:
            self.note(join(path, key), str(mistake))
            return None

    def regex(self, fields: Mapping[str, Any], key: str, path: str) -> str | None:
        """A regular expression of re2, as it is written."""
        value = fields.get(key)
        if value is None:
            if key == "pattern" and key in fields:
                self.note(join(path, key), "is empty: write a regular expression, in quotes")
            return None
        if not isinstance(value, str) or not value:
            self.note(join(path, key), "must be a regular expression, in quotes")
            return None
        try:
            compile_regex(value)
        except ValueError as mistake:
            self.note(join(path, key), str(mistake))
            return None
        return value

    def note(self, path: str, message: str) -> None:
        """Something is wrong at a path."""
        self.problems.append(Problem(path, message))


def join(*parts: str) -> str:
    """A path of parts; empty ones are left out."""
    return ".".join(part for part in parts if part)


def plain(value: object) -> str:
    """A scalar as YAML writes it."""
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def shown(value: object) -> str:
    """What stands there, short enough for a sentence."""
    if isinstance(value, dict | list):
        return "this mapping" if isinstance(value, dict) else "this list"
    if value is None:
        return "nothing"
    text = plain(value)
    return f"“{text if len(text) <= 60 else text[:59] + '…'}”"


def meant(value: object, names: tuple[str, ...]) -> str:
    """What was probably meant, and everything that may stand there."""
    close = get_close_matches(value.lower(), names, n=1) if isinstance(value, str) else []
    guess = f"; did you mean {close[0]}?" if close else "."
    return f"{guess} Possible: {', '.join(names)}"
