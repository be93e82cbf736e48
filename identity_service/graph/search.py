"""What identifiers and events are looked up by, and the customers that this leads to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson

from identity_service.domain.events import ReportedEvent
from identity_service.domain.identifiers import Identifier
from identity_service.domain.search import Clue, Lookup, clues, clues_of, ending, starts, starts_of
from identity_service.graph.database import Database
from identity_service.graph.keys import space_key
from identity_service.graph.statements import statement

FIND_CUSTOMERS: Final = statement("search/find_customers")
READ_CLUES: Final = statement("search/read_clues")

_SCAN: Final = 500
"""Most identifiers and events that are looked at for one beginning, in each place."""

_SCAN_FOR_WORDS: Final = 2_000
"""The same where most of them may lack other words."""

_SCAN_OF_MANY: Final = 20
"""The same where there are hundreds of beginnings."""

_MANY: Final = 10


class Hit(NamedTuple):
    """A customer, and what of it was found: an identifier, or an event that belongs to it.

    `found` is the beginning, or the end backwards, that it is looked up by; `whole` says whether a
    whole value begins so, None of an end. `last_seen` is that of the identifier, in milliseconds
    since 1970.
    """

    customer_id: str
    type: str
    value: str
    event: str | None
    found: str
    whole: bool | None
    last_seen: int


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


def _starts(space: str, found: Iterable[str]) -> dict[str, Any]:
    return {f"find_{n}": space_key(space, each) for n, each in enumerate(found, start=1)}


class SearchReader:
    """Looks customers up."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, space: str, lookup: Lookup, most: int) -> list[Hit]:
        """At most `most`, those first that are found by the beginning of a whole value."""
        end = lookup.ending and space_key(space, lookup.ending)
        row = await self._database.read_one(
            FIND_CUSTOMERS,
            w={
                "sought": [
                    [space_key(space, start), None if n else end]
                    for n, start in enumerate(lookup.starts)
                ],
                "words": list(lookup.words),
                "scan": _scan(lookup),
                "most": most,
            },
        )
        return [Hit(*each) for each in row["found"]] if row else []

    async def clues(self, events: Sequence[str]) -> Mapping[str, list[Clue]]:
        """By key of an event, what it says of its person that it is looked up by."""
        if not events:
            return {}
        row = await self._database.read_one(READ_CLUES, w={"events": list(events)})
        return {key: _clues(*sent) for key, *sent in row["events"]} if row else {}


def _scan(lookup: Lookup) -> int:
    if lookup.words:
        return _SCAN_FOR_WORDS
    return _SCAN if len(lookup.starts) < _MANY else _SCAN_OF_MANY


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
