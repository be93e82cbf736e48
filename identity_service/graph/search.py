"""What identifiers, events and profiles are looked up by, and the customers that this leads to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson

from identity_service.domain.events import ReportedEvent
from identity_service.domain.identifiers import Identifier
from identity_service.domain.search import (
    MAX_STARTS,
    Clue,
    Lookup,
    Words,
    clues,
    clues_of,
    ending,
    starts,
    starts_of,
)
from identity_service.graph.database import Database
from identity_service.graph.keys import space_key
from identity_service.graph.statements import statement

FIND_CUSTOMERS: Final = statement("search/find_customers")
FIND_BY_WORDS: Final = statement("search/find_by_words")
READ_NEAR: Final = statement("search/read_near")
READ_CLUES: Final = statement("search/read_clues")

PLACES: Final = tuple(
    f"{what}_{n}" for what in ("identifier", "event", "profile") for n in range(1, MAX_STARTS + 1)
)
"""Where beginnings are looked up: in each text of an identifier, an event or a profile."""

_SCAN_OF_WORDS: Final = 2_000
"""Most identifiers and events that are held to other words, in each place."""

_SCAN_OF_MANY: Final = 20
"""Most that are looked at for one beginning in each place, where there are many beginnings."""

_MANY: Final = 10

_FEW: Final = 50
"""Fewer values than these are all read where one of them may be meant."""


class Hit(NamedTuple):
    """A customer, and what of it was found: an identifier, an event that belongs to it, or a trait.

    `event` is the key of the event, `clues` are the identifier, or all traits that the customer is
    looked up by. `found` is the beginning, or the end backwards, that was found; `whole` says
    whether a whole value begins so, None of an end.
    """

    customer_id: str
    event: str | None
    clues: Sequence[Clue]
    found: str
    whole: bool | None


class Found(NamedTuple):
    """What was found, the closest first; `more` if looking at more may find more."""

    hits: Sequence[Hit]
    more: bool


class Near(NamedTuple):
    """All values in a place that begin like a text, in so many characters."""

    alike: int
    values: Sequence[str]


def identifier_properties(space: str, identifier: Identifier) -> dict[str, Any]:
    """The properties by which an identifier is looked up."""
    properties = _starts(space, starts(identifier.value))
    if digits := ending(identifier.value):
        properties["find_end"] = space_key(space, digits)
    return properties


def event_properties(space: str, event: ReportedEvent) -> dict[str, Any]:
    """The properties by which an event is looked up."""
    found, wholes = starts_of(clues(event))
    return {**_starts(space, found), "find_wholes": wholes} if found else {}


def profile_properties(space: str, traits: Sequence[Clue]) -> dict[str, Any]:
    """The properties by which a profile is looked up, None of those that it must not have."""
    found, wholes = starts_of(traits)
    none = dict.fromkeys([f"find_{n}" for n in range(1, MAX_STARTS + 1)])
    searched = orjson.dumps([list(each) for each in traits]).decode() if found else None
    return {**none, **_starts(space, found), "find_wholes": wholes or None, "searched": searched}


def _starts(space: str, found: Iterable[str]) -> dict[str, Any]:
    return {f"find_{n}": space_key(space, each) for n, each in enumerate(found, start=1)}


class SearchReader:
    """Looks customers up."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, space: str, lookup: Lookup, most: int) -> Found:
        """Of so many that are looked at: whole values first, then the rest of values, then ends.

        Each in alphabetical order, so that to look at more adds to the end of what is found, and
        only a second or third whole value of an event or a profile may come in before.
        """
        starts = dict.fromkeys(PLACES, lookup.starts)
        return await self._find(space, starts, [lookup.ending] if lookup.ending else [], most)

    async def find_in(self, space: str, starts: Mapping[str, Sequence[str]], most: int) -> Found:
        """The same, of other beginnings in each place."""
        return await self._find(space, starts, [], most)

    async def find_words(self, space: str, words: Words, most: int) -> Found:
        """The same, of the beginnings of several words."""
        row = await self._database.read_one(
            FIND_BY_WORDS,
            w={
                "start": space_key(space, words.start),
                "words": [
                    {"first": space_key(space, each), "later": f" {each}"} for each in words.others
                ],
                "scan": _SCAN_OF_WORDS,
                "most": most,
            },
        )
        return _found(space, row, most)

    async def near(self, space: str, beginnings: Sequence[str]) -> Mapping[str, Near]:
        """By place, the values that begin with the first of the beginnings that leaves few."""
        rows = await self._database.read_all(
            READ_NEAR, w={"starts": [space_key(space, each) for each in beginnings], "few": _FEW}
        )
        bare = _bare(space)
        return {
            row["place"]: Near(len(bare(row["start"])), [bare(each) for each in row["found"]])
            for row in rows
        }

    async def _find(
        self, space: str, starts: Mapping[str, Sequence[str]], ends: Sequence[str], most: int
    ) -> Found:
        def keys(texts: Iterable[str]) -> list[str]:
            return [space_key(space, each) for each in texts]

        sought = {place: keys(starts[place]) for place in PLACES} | {"identifier_end": keys(ends)}
        scan = most if max(map(len, starts.values())) < _MANY else _SCAN_OF_MANY
        row = await self._database.read_one(FIND_CUSTOMERS, w=sought | {"scan": scan, "most": most})
        return _found(space, row, most)

    async def clues(self, events: Sequence[str]) -> Mapping[str, list[Clue]]:
        """By key of an event, what it says of its person that it is looked up by."""
        if not events:
            return {}
        row = await self._database.read_one(READ_CLUES, w={"events": list(events)})
        return {key: _clues(*sent) for key, *sent in row["events"]} if row else {}


def _found(space: str, row: Mapping[str, Any] | None, most: int) -> Found:
    if row is None:
        return Found((), more=False)
    bare = _bare(space)
    hits = [
        Hit(customer, event, _of_hit(kind, value, traits), bare(found), whole)
        for customer, kind, value, event, traits, found, whole in row["found"]
    ]
    return Found(hits, more=row["looked_at"] == most)


def _of_hit(kind: str | None, value: str | None, traits: str | None) -> list[Clue]:
    if kind is not None and value is not None:
        return [Clue(kind, value)]
    return [Clue(*each) for each in orjson.loads(traits or "[]")]


def _bare(space: str) -> Callable[[str], str]:
    at = len(space_key(space, ""))
    return lambda key: key[at:]


def _clues(
    kind: str,
    properties: str,
    traits: str | None,
    context_traits: str | None,
    account_id: str | None,
    account_traits: str | None,
) -> list[Clue]:
    sent: list[dict[str, Any]] = [
        orjson.loads(each) for each in (traits, context_traits, account_traits) if each
    ]
    return clues_of(kind, orjson.loads(properties), sent, account_id)
