"""What a text may mean that nothing begins with: every text that one slip keeps apart from it.

A slip is a letter too many, too few, another one, or two in the wrong order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from string import ascii_lowercase, digits
from typing import Final, Self

_LENGTHS: Final = range(4, 33)
"""How many characters a text may have that is taken to be misspelt."""


@dataclass(frozen=True, slots=True)
class Misspelt:
    """A text with one slip in it, at a place that nobody knows."""

    text: str

    @classmethod
    def of(cls, text: str) -> Self | None:
        """None of a text that is too short or too long to guess at."""
        return cls(text) if len(text) in _LENGTHS else None

    @property
    def beginnings(self) -> list[str]:
        """What it begins with, from nothing at all on: all that comes before the slip is right."""
        return [self.text[:n] for n in range(len(self.text))]

    def may_mean(self, value: str) -> bool:
        """Whether a value begins with what the text would be without a slip."""
        alike = takewhile(lambda pair: pair[0] == pair[1], zip(self.text, value, strict=False))
        right = sum(1 for _ in alike)
        typed, meant = self.text[right:], value[right:]
        swapped = f"{typed[1:2]}{typed[:1]}{typed[2:]}"
        return meant.startswith((typed[1:], swapped)) or meant[1:].startswith((typed, typed[1:]))

    def without_slip(self, before: int) -> list[str]:
        """What it would be if the slip is at one of its first places, so many of them."""
        letters = " " if self.text.isdecimal() else f" {ascii_lowercase}"
        if any(each in digits for each in self.text):
            letters += digits
        found = (each for n in range(before) for each in _without(self.text, n, letters))
        return sorted(set(found) - {self.text, ""})


def _without(text: str, place: int, letters: str) -> Iterator[str]:
    before, wrong, after = text[:place], text[place], text[place + 1 :]
    yield from (f"{before}{letter}{wrong}{after}" for letter in letters)
    yield from (f"{before}{letter}{after}" for letter in letters)
    yield f"{before}{after}"
    if after:
        yield f"{before}{after[0]}{wrong}{after[1:]}"
