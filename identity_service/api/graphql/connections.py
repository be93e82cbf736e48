"""Relay: global ids, cursors and connections."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import strawberry

from identity_service.domain.events import EventOrder
from identity_service.domain.identifiers import Identifier, parse_identifier
from identity_service.domain.recorded import Page, RecordedEvent
from identity_service.errors import BadInput
from identity_service.graph.keys import space_key, without_space

T = TypeVar("T")
N = TypeVar("N")

MAX_FIRST: Final = 500
"""Most edges of one page of a connection."""

_NUMBER: Final = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_MOST: Final = 2**62
"""More than any number of a cursor; the database holds numbers of 64 bits, and adds to them."""


@strawberry.type
class PageInfo:
    """Where a page stands in its list."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@dataclass(frozen=True, slots=True)
class Edge(Generic[T]):
    """One entry, and where it stands."""

    cursor: str
    node: T


@dataclass(frozen=True, slots=True)
class Connection(Generic[T]):
    """A page of a list, as Relay has it."""

    edges: list[Edge[T]]
    page_info: PageInfo


def connection(
    page: Page[T],
    after: str | None,
    cursor_of: Callable[[T], str],
    node_of: Callable[[T], N],
) -> Connection[N]:
    """The connection of a page that begins after the cursor `after`."""
    edges = [Edge(cursor_of(item), node_of(item)) for item in page.items]
    return Connection(
        edges,
        PageInfo(
            has_next_page=page.more,
            has_previous_page=after is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
    )


def page_size(first: int | None, default: int, most: int = MAX_FIRST) -> int:
    """The value of an argument `first`; raises BadInput beyond 0 to `most`."""
    if first is None:
        return default
    if not 0 <= first <= most:
        raise BadInput(f"“first” is {first:,}; it may be 0 to {most:,}.")
    return first


def encode_cursor(of: str, *parts: str | int) -> str:
    """An opaque cursor into a list of the kind `of`. Only the last part may hold a `|`."""
    return _encode("|".join((of, *map(str, parts))))


def decode_cursor(of: str, cursor: str, parts: int) -> list[str]:
    """The parts of a cursor; raises BadInput for one that is none of that kind of list."""
    kind, *found = _decode(cursor).split("|", parts)
    if kind != of or len(found) != parts:
        raise _no_cursor(cursor)
    return found


def number_in(cursor: str, part: str) -> int:
    """A whole number that is a part of a cursor; raises BadInput."""
    if _NUMBER.fullmatch(part) and abs(number := int(part)) <= _MOST:
        return number
    raise _no_cursor(cursor)


def event_cursor(event: RecordedEvent) -> str:
    """The cursor of an event."""
    return encode_cursor("event", *event.order[:3], without_space(event.key))


def event_after(cursor: str, space: str) -> EventOrder:
    """Where the event of a cursor stands; raises BadInput."""
    *numbers, key = decode_cursor("event", cursor, 4)
    at, received_at, place = (number_in(cursor, number) for number in numbers)
    return EventOrder(at, received_at, place, space_key(space, key))


def global_id(kind: str, space: str, key: str) -> strawberry.ID:
    """The id of a node: opaque, unique over all types and spaces."""
    return strawberry.ID(_encode(f"{kind}:{space}:{key}"))


def parse_global_id(text: str) -> tuple[str, str, str]:
    """Type, space and key of a node's id; raises BadInput."""
    parts = _decode(text).split(":", 2)
    if len(parts) != 3:
        raise BadInput(f"“{text}” is no id of a node.", remedy="Send the field “id” of a node.")
    return parts[0], parts[1], parts[2]


def identifier_in(key: str) -> Identifier:
    """The identifier in the key of a node's id; raises BadInput."""
    try:
        return parse_identifier(key)
    except ValueError as error:
        raise BadInput(f"{error}.") from None


def _no_cursor(cursor: str) -> BadInput:
    """The error for a cursor that no page of the list gave away."""
    return BadInput(
        f"“{cursor}” is no cursor of this list.",
        remedy="Send the endCursor of the page before as it came.",
    )


def _encode(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


def _decode(text: str) -> str:
    """Text that `_encode` made; empty for any other."""
    try:
        return base64.b64decode(text, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError, ValueError):
        return ""
