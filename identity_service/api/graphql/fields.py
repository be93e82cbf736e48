# ruff: noqa: D103  (the schema's descriptions say what a field is)
"""What the fields of the schema do: they find the service, and hand it the record they hang on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import strawberry
from strawberry import ID, UNSET, Parent

from identity_service.api.graphql.connections import (
    Connection,
    connection,
    decode_cursor,
    encode_cursor,
    global_id,
    number_in,
    page_size,
)
from identity_service.api.graphql.context import Info, Scoped
from identity_service.api.graphql.scalars import Json, Millis, json_fragment
from identity_service.api.graphql.scoped import (
    ScopedCustomer,
    ScopedIdentifier,
    scoped,
)
from identity_service.domain.identifiers import Identifier
from identity_service.domain.recorded import (
    OverConnectedComponent,
    RecordedEvent,
    SeenIdentifier,
    SettledCustomer,
)
from identity_service.domain.traits import Trait
from identity_service.errors import BadInput
from identity_service.graph.customers import MAX_IDENTIFIERS, EventWindow
from identity_service.services.read.as_of.view import AsOf
from identity_service.services.read.current import Account, Answer, Customers, Missing
from identity_service.services.spaces.access import SpaceScope

FoundCustomer: TypeAlias = ScopedCustomer | Missing | Scoped[OverConnectedComponent]

_MOST: Final = 2**62
"""More than any time."""


@strawberry.input
class IdentifierInput:
    """An identifier as somebody types it."""

    type: str
    value: str


# Looking customers up


async def customer(
    root: Parent[SpaceScope],
    info: Info,
    identifier: IdentifierInput | None = UNSET,
    id: ID | None = UNSET,  # noqa: A002  (the name is the contract's)
    as_of: Millis | None = UNSET,
    live: bool | None = False,
) -> FoundCustomer:
    if bool(identifier) == bool(id):
        raise BadInput(
            "“customer” takes exactly one of “identifier” and “id”.",
            remedy='As in customer(identifier: {type: "email", value: "ann@example.com"}).',
        )
    asked = Identifier(identifier.type, identifier.value) if identifier else None
    if isinstance(as_of, int):
        past = await info.context.services.history.as_of(root, as_of)
        if isinstance(past, Missing):
            return past
        found = await (past.find(root, asked) if asked else past.find_by_id(root, id or ""))
        return _answer(root, found, past)
    customers = info.context.services.customers
    if asked:
        return _answer(root, await customers.find(root, asked, live=bool(live)))
    return _answer(root, await customers.find_by_id(root, id or "", live=bool(live)))


async def customers(
    root: Parent[SpaceScope], info: Info, identifiers: list[IdentifierInput]
) -> list[FoundCustomer]:
    asked = [Identifier(identifier.type, identifier.value) for identifier in identifiers]
    answers = await info.context.services.customers.find_all(root, asked)
    return [_answer(root, answer) for answer in answers]


# Node


def customer_node_id(root: Parent[ScopedCustomer]) -> ID:
    return global_id("Customer", root.scope.space, root.record.customer_id)


def identifier_node_id(root: Parent[ScopedIdentifier]) -> ID:
    return global_id("Identifier", root.scope.space, str(root.record.identifier))


def event_node_id(root: Parent[Scoped[RecordedEvent]]) -> ID:
    return global_id("Event", root.scope.space, root.record.message_id)


# Customer


async def previous_ids(root: Parent[ScopedCustomer], info: Info) -> Sequence[str]:
    return await _customers(root, info).previous_ids(root.scope, root.record.customer_id)


def identifiers(
    root: Parent[ScopedCustomer], first: int | None = MAX_IDENTIFIERS
) -> list[ScopedIdentifier]:
    most = page_size(first, MAX_IDENTIFIERS, MAX_IDENTIFIERS)
    return scoped(root.scope, root.record.identifiers[:most], root.past)


async def traits(root: Parent[ScopedCustomer], info: Info) -> list[Scoped[Trait[SeenIdentifier]]]:
    found = await _customers(root, info).traits(root.scope, root.record.customer_id)
    return [root.beside(trait) for trait in found]


async def trait(
    root: Parent[ScopedCustomer],
    info: Info,
    name: str,
) -> Scoped[Trait[SeenIdentifier]] | None:
    found = await traits(root, info)
    return next((trait for trait in found if trait.record.name == name), None)


async def events(
    root: Parent[ScopedCustomer],
    info: Info,
    first: int | None = 50,
    after: str | None = UNSET,
    names: list[str] | None = UNSET,
    since: Millis | None = UNSET,
    until: Millis | None = UNSET,
    newest_first: bool | None = True,
) -> Connection[Scoped[RecordedEvent]]:
    descending = newest_first is not False
    at, message_id = (_MOST, "") if descending else (-_MOST, "")
    if after:
        at_text, message_id = decode_cursor("event", after, 2)
        at = number_in(after, at_text)
    window = EventWindow(
        names=names or None,
        since=since if isinstance(since, int) else -_MOST,
        until=until if isinstance(until, int) else _MOST,
        newest_first=descending,
        at=at,
        message_id=message_id,
    )
    page = await _customers(root, info).events(
        root.scope, root.record.customer_id, window, page_size(first, 50)
    )
    return connection(
        page,
        after or None,
        lambda event: encode_cursor("event", event.at, event.message_id),
        root.beside,
    )


async def event_count(root: Parent[ScopedCustomer], info: Info) -> int:
    return await _customers(root, info).event_count(root.scope, root.record.customer_id)


async def accounts(root: Parent[ScopedCustomer], info: Info) -> list[Account]:
    return await _customers(root, info).accounts(root.scope, root.record.customer_id)


def receipt(root: Parent[ScopedCustomer]) -> SettledCustomer:
    return root.record


def resolved_at(root: Parent[SettledCustomer]) -> Millis:
    return Millis(root.settled_at)


def as_of(root: Parent[SettledCustomer]) -> Millis | None:
    return None if root.as_of is None else Millis(root.as_of)


def over_connected_message(root: Parent[Scoped[OverConnectedComponent]]) -> str:
    found = root.record
    return (
        f"At least {found.size:,} identifiers hang together here, more than the {found.limit:,} "
        "that can be resolved; what was settled before stays as it is. Block the identifiers "
        "that have the most links, or set max_links for their types."
    )


def over_connected_identifiers(
    root: Parent[Scoped[OverConnectedComponent]],
) -> list[ScopedIdentifier]:
    return scoped(root.scope, root.record.most_linked, root.past)


# Identifier


async def link_count(root: Parent[ScopedIdentifier], info: Info) -> int:
    return await _customers(root, info).link_count(root.scope, root.record)


async def identifier_customer(root: Parent[ScopedIdentifier], info: Info) -> ScopedCustomer | None:
    found = await _customers(root, info).customer_of(root.scope, root.record)
    return root.beside(found) if found else None


# Trait, Event, Change


def trait_identifier(root: Parent[Scoped[Trait[SeenIdentifier]]]) -> ScopedIdentifier:
    return root.beside(root.record.owner)


def properties(root: Parent[Scoped[RecordedEvent]]) -> Json:
    return json_fragment(root.record.properties_json)


async def event_identifiers(
    root: Parent[Scoped[RecordedEvent]], info: Info
) -> list[ScopedIdentifier]:
    found = await _customers(root, info).event_identifiers(root.scope, root.record)
    return scoped(root.scope, found, root.past)


def _answer(scope: SpaceScope, answer: Answer, past: AsOf | None = None) -> FoundCustomer:
    if isinstance(answer, Missing):
        return answer
    if isinstance(answer, SettledCustomer):
        return Scoped(scope, answer, past)
    return Scoped(scope, answer, past)


def _customers(root: Scoped[Any], info: Info) -> Customers | AsOf:
    return root.past or info.context.services.customers
