"""How anybody is found: what a value is looked up by, and what a question may mean.

Everything is spelled alike first: lower case, without accents, words with one space between them.
A value is looked up by its beginning and by that of each word in it, and a number by its end too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from itertools import chain
from typing import Any, Final, NamedTuple, cast

from identity_service.domain.events import ReportedEvent
from identity_service.domain.misspelling import Misspelt

MAX_STARTS: Final = 3
"""By how many beginnings one identifier, event or profile is looked up at most."""

MAX_START: Final = 64
"""Longest beginning that is kept or asked for, in characters."""

MIN_TEXT: Final = 2
"""Fewest letters and digits of a question."""

MAX_TEXT: Final = 200
"""Longest text of a question, in characters."""

_MIN_ENDING: Final = 4
"""Fewest digits by which the end of a number is asked for."""

_OPAQUE: Final = re.compile(r"[0-9a-f][0-9a-f-]{14,}[0-9a-f]", re.IGNORECASE)
"""Random values, of which nobody knows a part."""

_TRUNK_ZERO: Final = re.compile(r"((?:\+|\b00)\d{1,3}\W?)\(0\)")
"""A phone number with the zero that is not dialled after the country: +31 (0)6."""

_BEGINNING: Final = re.compile(r"(?<![^\W\d_])[^\W\d_]|(?<!\d)\d")
"""The first letter or digit of each run of letters, and of each of digits."""

_NAMES: Final = frozenset({"name", "fullname", "displayname", "username", "nickname", "company",
    "companyname", "organization", "organisation"})  # fmt: skip
_FIRST_NAMES: Final = ("firstName", "first_name", "firstname", "FirstName")
_LAST_NAMES: Final = ("lastName", "last_name", "lastname", "LastName")

_NUMBERED: Final = ("order", "ticket", "invoice", "booking", "case", "transaction", "checkout")
_NUMBERS: Final = frozenset(
    f"{what}{word}"
    for what in _NUMBERED
    for word in ("id", "no", "nr", "number", "ref", "reference", "name")
)


class Clue(NamedTuple):
    """A value by which a person is looked up, under the name it came with."""

    name: str
    value: str


def spelled(text: str) -> str:
    """A text as it is compared: letters and digits in lower case, a space between words.

    A zero that is not dialled is left out of a phone number: +31 (0)6.
    """
    if "(0)" in text:
        text = _TRUNK_ZERO.sub(r"\1 ", text)
    if text.isascii():
        bare = text.lower()
    else:
        parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
        bare = "".join(each for each in parts if not unicodedata.combining(each))
    return " ".join(_words(bare))


def _words(text: str) -> list[str]:
    return "".join(each if each.isalnum() else " " for each in text).split()


def starts(value: str) -> list[str]:
    """The beginnings that a value is looked up by, at most MAX_STARTS, the whole value first."""
    whole = spelled(value)
    if not whole:
        return []
    if _OPAQUE.fullmatch(value):
        return [whole[:MAX_START]]
    found = [match.start() for match in _BEGINNING.finditer(whole)]
    local, _, domain = value.rpartition("@")
    at = len(whole) - len(spelled(domain))
    if local and 0 < at < len(whole):
        # Of a long address rather the beginning of its domain than that of one more word.
        found = [*[each for each in found if each < at][: MAX_STARTS - 1], at]
    elif len(found) > MAX_STARTS:
        # Of a long name rather its longest words.
        words = sorted(found[1:], key=lambda each: -len(whole[each:].partition(" ")[0]))
        found = [found[0], *sorted(words[: MAX_STARTS - 1])]
    return [whole[each : each + MAX_START] for each in found[:MAX_STARTS]]


def ending(value: str) -> str | None:
    """What the end of a number is looked up by: its digits backwards; None for any other value."""
    number = spelled(value).replace(" ", "")
    return number[::-1][:MAX_START] if len(number) >= _MIN_ENDING and number.isdecimal() else None


def clues(event: ReportedEvent) -> list[Clue]:
    """What an event says of its person that somebody may look for: numbers of orders and the like,
    also by names like `order.id`; of a call that describes a person or an account, names too.
    """
    return clues_of(
        event.type,
        event.properties,
        (event.traits, event.context_traits, event.account_traits),
        event.account_id,
    )


def clues_of(
    kind: str,
    properties: Mapping[str, Any],
    traits: Iterable[Mapping[str, Any]],
    account_id: str | None,
) -> list[Clue]:
    """The same of an event in its parts, as the graph keeps it."""
    found: list[Clue] = []
    for name, said in properties.items():
        if (bare := _bare(name)) in _NUMBERS:
            found += _number(name, said)
        elif bare in _NUMBERED and isinstance(said, Mapping):
            for inner, value in cast("Mapping[str, Any]", said).items():
                if _bare(name + inner) in _NUMBERS:
                    found += _number(f"{name}.{inner}", value)
    if kind in ("identify", "group"):
        for each in traits:
            found += _names(each)
    if kind == "group" and account_id:
        found.append(Clue("account", account_id))
    return list(dict.fromkeys(found))


def starts_of(values: Iterable[Clue]) -> tuple[list[str], int]:
    """The beginnings that an event or a profile is looked up by, at most MAX_STARTS, and how many
    of them are of whole values: these come first.
    """
    each = [found for value in values if (found := starts(value.value))]
    wholes = list(dict.fromkeys(found[0] for found in each))[:MAX_STARTS]
    words = chain.from_iterable(found[1:] for found in each)
    return list(dict.fromkeys(chain(wholes, words)))[:MAX_STARTS], len(wholes)


def _number(name: str, said: object) -> list[Clue]:
    value = text_of(said)
    return [Clue(name, value)] if value else []


def _names(traits: Mapping[str, Any]) -> Iterator[Clue]:
    for name in traits:
        if _bare(name) in _NAMES and (value := text_of(traits[name])):
            yield Clue(name, value)
    parts = (_first(traits, _FIRST_NAMES), _first(traits, _LAST_NAMES))
    if whole := " ".join(part for part in parts if part):
        yield Clue("name", whole)


def _first(traits: Mapping[str, Any], names: Sequence[str]) -> str | None:
    return next((value for name in names if (value := text_of(traits.get(name)))), None)


def text_of(value: object) -> str | None:
    """A value as it is looked up: a text, or a whole number; None of anything else."""
    if isinstance(value, str):
        return value[:MAX_TEXT] or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


@lru_cache(maxsize=10_000)
def _bare(name: str) -> str:
    return "".join(each for each in name.lower() if each.isalnum())


class Likeness(IntEnum):
    """How what was found is like what was asked for, the closest first."""

    WHOLE = 0
    BEGINNING = 1
    WORD = 2
    ENDING = 3
    WORDS = 4
    SIMILAR = 5


class Lookup(NamedTuple):
    """Beginnings to look for, and one end of a number, backwards."""

    starts: Sequence[str]
    ending: str | None = None


class Words(NamedTuple):
    """The beginning of one word to look for, and words that must begin in what is found."""

    start: str
    others: Sequence[str]


@dataclass(frozen=True, slots=True)
class SearchText:
    """What somebody typed, `spelled`; `value` is what follows a colon, as in `email:ann`."""

    spelled: str
    value: str | None

    @classmethod
    def of(cls, text: str) -> SearchText:
        """What a text asks for. Nothing is left of one without letters and digits."""
        _, colon, value = text.partition(":")
        return cls(spelled(text), spelled(value) or None if colon else None)

    @property
    def phrase(self) -> Lookup:
        """What begins with it, or, of digits, ends with them."""
        given = [each[:MAX_START] for each in (self.spelled, self.value) if each]
        number = (self.value or self.spelled).replace(" ", "").lstrip("0")
        is_number = number.isdecimal() and len(number) >= _MIN_ENDING
        return Lookup(given, number[::-1][:MAX_START] if is_number else None)

    @property
    def words(self) -> Words | None:
        """What holds the beginnings of all its words in any order; None of one word."""
        words = (self.value or self.spelled).split()
        if len(words) < 2:
            return None
        longest = max(words, key=len)
        words.remove(longest)
        return Words(longest[:MAX_START], words)

    @property
    def misspelt(self) -> Misspelt | None:
        """The text, if it is one that may be misspelt."""
        return Misspelt.of(self.value or self.spelled)

    def likeness(self, found: str, whole: bool | None) -> Likeness:
        """How what the phrase found is like it: a `whole` value, a word of one, None: an end."""
        if whole is None:
            return Likeness.ENDING
        if not whole:
            return Likeness.WORD
        return Likeness.WHOLE if found in (self.spelled, self.value) else Likeness.BEGINNING


def found_in(values: Iterable[Clue], found: str) -> Clue | None:
    """The value of an event or a profile that is looked up by a beginning."""
    return next((each for each in values if found in starts(each.value)), None)
