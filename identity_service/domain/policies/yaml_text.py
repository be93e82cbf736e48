"""YAML as plain data, for policies and cases: safe, and with every slip in its place.

Narrower than PyYAML on purpose. Scalars follow YAML 1.2's core schema, so `on`, `no`, `1:30`
and dates are text. Keys are always text. Aliases and tags are refused: without them a short
text cannot grow large, and nothing but plain data can come out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import yaml

from identity_service.errors import Problem

MAX_DEPTH = 20
"""Deepest nesting that is read."""

LOADER: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
"""Makes the parser's events, each with where it begins and ends in the text."""
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEAN = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_WHOLE = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?")


def read_yaml(
    text: str, *, name: str, max_bytes: int, exact: bool = False
) -> tuple[Any, list[Problem]]:
    """The data in a text of one document, and what is wrong with the text itself.

    A text that cannot be read at all gives None and one problem, with line and column. Keys
    that stand twice in one mapping are problems too, but the rest is read (the first counts).
    `name` is the path of problems that concern the whole text. Numbers that are not whole are
    floats; `exact`: decimals.
    """
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return None, [Problem(name, "not Unicode text")]
    if size > max_bytes:
        return None, [Problem(name, f"{size} bytes are too many: at most {max_bytes} are read")]
    reader = _Reader(text, Decimal if exact else float)
    try:
        return reader.document(), reader.problems
    except _Refused as refused:
        return None, [Problem(_place(refused.mark), refused.message)]
    except yaml.MarkedYAMLError as mistake:
        reason = " ".join(filter(None, (mistake.context, mistake.problem)))
        return None, [Problem(_place(mistake.problem_mark) or name, f"not YAML: {reason}")]
    except yaml.YAMLError as mistake:
        return None, [Problem(name, f"not YAML: {' '.join(str(mistake).split())}")]


class _Refused(Exception):
    """YAML that is well formed but not read here."""

    def __init__(self, message: str, mark: Any) -> None:
        super().__init__(message)
        self.message = message
        self.mark = mark


def _place(mark: Any) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""


class _Reader:
    """Builds plain data from the parser's events, in one pass."""

    def __init__(self, text: str, number: Callable[[str], Any]) -> None:
        self.problems: list[Problem] = []
        self._text = text
        self._number = number

    def document(self) -> Any:
        """The one document of the text; None when there is none."""
        events: Iterator[Any] = iter(yaml.parse(self._text, Loader=LOADER))
        data: Any = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    message = "a second document begins here: write one"
                    raise _Refused(message, event.start_mark)
                data = self._value(next(events), events, path=(), depth=0)
        return data

    def _value(self, event: Any, events: Iterator[Any], path: tuple[str, ...], depth: int) -> Any:
        if depth > MAX_DEPTH:
            message = f"nested too deeply: at most {MAX_DEPTH} levels are read"
            raise _Refused(message, event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            message = f"aliases (*{event.anchor}) are not read: write it out"
            raise _Refused(message, event.start_mark)
        if event.tag not in (None, "!"):
            message = f"tags ({event.tag}) are not read: leave it out"
            raise _Refused(message, event.start_mark)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(events, path, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(events, path, depth)
        return _scalar(event, self._number)

    def _mapping(self, events: Iterator[Any], path: tuple[str, ...], depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        lines: dict[str, int] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                message = "a key must be plain text"
                raise _Refused(message, event.start_mark)
            key: str = event.value
            mark: Any = event.start_mark
            line: int = mark.line + 1
            value = self._value(next(events), events, (*path, key), depth + 1)
            if key in found:
                where = ".".join((*path, key))
                again = f"stands twice, in lines {lines[key]} and {line}: keep one"
                self.problems.append(Problem(where, again))
                continue
            found[key] = value
            lines[key] = line
        return found

    def _sequence(self, events: Iterator[Any], path: tuple[str, ...], depth: int) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            found.append(self._value(event, events, (*path, str(len(found))), depth + 1))
        return found


def _scalar(event: Any, number: Callable[[str], Any]) -> Any:
    text: str = event.value
    if event.style:  # quoted or a block: text, whatever it looks like
        return text
    if text in _NULL:
        return None
    if text in _BOOLEAN:
        return _BOOLEAN[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        return number(text)
    return text
