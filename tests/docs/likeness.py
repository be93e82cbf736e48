"""Whether an answer is the one that a page shows, but for what differs from run to run.

Ids, keys, addresses and the moments of the run differ. One that the page shows stands for one
real one, the same at every place, also in the blocks that follow; a key that is cut short, as
`ids_admin_…`, for the newest of its role. A `…` stands for any text in its line, and alone on a
line for any lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import unified_diff
from typing import Any, Final, cast

EXAMPLES_END: Final = "2026-10-25T19:00:00.000Z"
"""When the newest of the example events happened: what is later is a moment of the run."""

_VARIES = re.compile(
    r"(?P<id>(?:cus|jdg|ret|chg|rej)_[0-9a-f]{32})"
    r"|(?P<key>ids_[a-z]+_)(?:…|[\w-]{43})"
    r"|(?P<address>127\.0\.0\.1:\d+)"
    r"|(?P<epoch>\b1[789]\d{11}\b)"
    r"|(?P<moment>\b20\d\d-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{3})?)?)?)"
    r"|(?P<any>…)"
)


@dataclass
class Likeness:
    """Which real id, key, address or moment each one on the page stands for."""

    real_of: dict[str, str] = field(default_factory=dict[str, str])

    def real(self, text: str) -> str:
        """A text of the page with what is real in the place of what the page shows."""
        for shown, real in self.real_of.items():
            text = text.replace(shown, real)
        return text

    def assert_like(self, shown: object, real: object, where: str = "answer") -> None:
        """The real answer, read from JSON, is the one shown."""
        if isinstance(shown, dict) and isinstance(real, dict):
            entries = cast("dict[str, Any]", shown)
            found = cast("dict[str, Any]", real)
            assert entries.keys() == found.keys(), where
            for key, value in entries.items():
                self.assert_like(value, found[key], f"{where}.{key}")
        elif isinstance(shown, list) and isinstance(real, list):
            items, others = cast("list[Any]", shown), cast("list[Any]", real)
            assert len(items) == len(others), f"{where}: {real}"
            for number, item in enumerate(items):
                self.assert_like(item, others[number], f"{where}.{number}")
        elif isinstance(shown, str) and isinstance(real, str):
            self.assert_text_like(shown, real, where)
        else:
            assert shown == real, where

    def assert_text_like(self, shown: str, real: str, where: str) -> None:
        """The real text is the one shown, but for space at the ends of lines."""
        shown, real = _plain(shown), _plain(real)
        stands_for = self.compare(shown, real)
        if stands_for is None:
            lines = unified_diff(shown.split("\n"), real.split("\n"), "shown", "real", lineterm="")
            raise AssertionError(f"{where}\n" + "\n".join(lines))
        for varied, found in stands_for:
            if varied.endswith("…"):
                self.real_of[varied] = found
            assert self.real_of.setdefault(varied, found) == found, f"{where}: not {varied}"
        secret = [found for varied, found in self.real_of.items() if _is_unique(varied)]
        assert len(set(secret)) == len(secret), f"{where}: two stand for one"

    def compare(self, shown: str, real: str) -> list[tuple[str, str]] | None:
        """What stands for what when the real text is like the one shown; None when it is not."""
        varied: list[str] = []
        pattern = "".join(self._line(line, varied) for line in _plain(shown).split("\n"))
        match = re.fullmatch(pattern, _plain(real) + "\n")
        return None if match is None else list(zip(varied, match.groups(), strict=True))

    def _line(self, line: str, varied: list[str]) -> str:
        if line.strip() == "…":
            return r"(?:.*\n)*?"
        return "".join(self._parts(line, varied)) + r"\n"

    def _parts(self, line: str, varied: list[str]) -> Iterator[str]:
        end = 0
        for match in _VARIES.finditer(line):
            yield re.escape(line[end : match.start()])
            end = match.end()
            shown = match[0]
            if shown in self.real_of and not shown.endswith("…"):
                yield re.escape(self.real_of[shown])
            elif match["any"]:
                yield r".*?"
            elif match["moment"] and shown <= EXAMPLES_END[: len(shown)]:
                yield re.escape(shown)
            elif match["moment"] and "." not in shown:
                yield re.sub(r"\d", r"\\d", shown)  # may be another one at its next place
            else:
                varied.append(shown)
                yield f"({_pattern(match)})"
        yield re.escape(line[end:])


def _pattern(match: re.Match[str]) -> str:
    """What the real counterpart of something that varies looks like."""
    if match["id"]:
        return match[0][:4] + "[0-9a-f]{32}"
    if match["key"]:
        return match["key"] + r"[\w-]{43}"
    if match["address"]:
        return r"127\.0\.0\.1:\d+"
    return re.sub(r"\d", r"\\d", re.escape(match[0]))


def _is_unique(shown: str) -> bool:
    return shown.startswith(("cus_", "jdg_", "ret_", "chg_", "rej_", "ids_"))


def _plain(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.rstrip().split("\n"))
