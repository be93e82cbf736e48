# ruff: noqa: D103  (the schema's descriptions say what a field is)
"""What the fields of customers, identifiers, traits and events do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import strawberry
from strawberry import ID, UNSET, Parent

from identity_service.api.graphql.connections import (
    Connection,
    connection,
    event_after,
    event_cursor,
    global_id,
    page_size,
)
from identity_service.api.graphql.context import Info, Scoped, current_view
from identity_service.api.graphql.scalars import (
    Json,
    Millis,
    earliest,
    exact_json,
    json_fragment,
    latest,
)
from identity_service.api.graphql.scoped import ScopedCustomer, ScopedIdentifier, scoped
from identity_service.domain.identifiers import Identifier
from identity_service.domain.profiles.definitions import TraitRule
from identity_service.domain.profiles.traits_by_rule import ChosenTrait, OtherValue
from identity_service.domain.recorded import (
    OverConnectedComponent,
    RecordedEvent,
    SeenIdentifier,
    SettledCustomer,
)
from identity_service.domain.traits import Trait
from identity_service.errors import BadInput, NotFound
from identity_service.graph.customers import MAX_IDENTIFIERS, NEWEST, OLDEST, EventWindow
from identity_service.graph.keys import without_space
from identity_service.services.read.current import CurrentView
from identity_service.services.read.view import Account, CustomerAnswer, CustomerView, Missing
from identity_service.services.spaces.access import SpaceScope

ScopedAnswer: TypeAlias = (
    ScopedCustomer | Missing | Scoped[Missing] | Scoped[OverConnectedComponent]
)

_MOST: Final = 2**62
"""More than any time."""


@dataclass(frozen=True, slots=True)
class CustomerTrait(Trait[SeenIdentifier]):
    """A trait and whose it is."""

    customer: SettledCustomer


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
) -> ScopedAnswer:
    if bool(identifier) == bool(id):
        raise BadInput(
            "“customer” takes exactly one of “identifier” and “id”.",
            remedy='As in customer(identifier: {type: "email", value: "ann@example.com"}).',
        )
    asked = Identifier(identifier.type, identifier.value) if identifier else None
    if isinstance(as_of, int):
        then = await info.context.services.customers.as_of(root, as_of)
        if isinstance(then, Missing):
            return then
        return _answer(then, await (then.find(asked) if asked else then.find_by_id(id or "")))
    now = current_view(info, root)
    if asked:
        return _answer(now, await now.find(asked, live=bool(live)))
    return _answer(now, await now.find_by_id(id or "", live=bool(live)))


async def customers(
    root: Parent[SpaceScope], info: Info, identifiers: list[IdentifierInput]
) -> list[ScopedAnswer]:
    asked = [Identifier(identifier.type, identifier.value) for identifier in identifiers]
    view = current_view(info, root)
    return [_answer(view, answer) for answer in await view.find_all(asked)]


async def customers_by_id(
    root: Parent[SpaceScope], info: Info, ids: list[ID]
) -> list[ScopedAnswer]:
    view = current_view(info, root)
    return [_answer(view, answer) for answer in await view.find_all_by_id(ids)]


async def missing_message(root: Parent[Missing | Scoped[Missing]]) -> str:
    if isinstance(root, Missing):
        return root.message
    view, missing = root
    if missing.unknown is None or not isinstance(view, CurrentView):
        return missing.message
    known = await view.known_elsewhere(missing.unknown)
    return (
        f"{missing.message} Known here: {', '.join(map(str, known))}." if known else missing.message
    )


# Node


def customer_node_id(root: Parent[ScopedCustomer]) -> ID:
    return global_id("Customer", root.scope.space, root.record.customer_id)


def identifier_node_id(root: Parent[ScopedIdentifier]) -> ID:
    return global_id("Identifier", root.scope.space, str(root.record.identifier))


def event_node_id(root: Parent[Scoped[RecordedEvent]]) -> ID:
    return global_id("Event", root.scope.space, without_space(root.record.key))


# Customer


async def previous_ids(root: Parent[ScopedCustomer]) -> Sequence[str]:
    return await root.view.previous_ids(root.record)


def identifiers(
    root: Parent[ScopedCustomer], first: int | None = MAX_IDENTIFIERS
) -> list[ScopedIdentifier]:
    most = page_size(first, MAX_IDENTIFIERS, MAX_IDENTIFIERS)
    return scoped(root.view, root.record.identifiers[:most])


async def traits(root: Parent[ScopedCustomer], info: Info) -> list[Scoped[CustomerTrait]]:
    return scoped(root.view, await _traits(root, info))


async def traits_omitted(root: Parent[ScopedCustomer]) -> int:
    return (await root.view.traits(root.record)).omitted


async def trait(
    root: Parent[ScopedCustomer], info: Info, name: str
) -> Scoped[CustomerTrait] | None:
    found = await _traits(root, info)
    return next((root.beside(trait) for trait in found if trait.name == name), None)


async def _traits(root: ScopedCustomer, info: Info) -> list[CustomerTrait]:
    customer = root.record
    return [
        CustomerTrait(
            each.name, _exact(each.value), each.updated_at, each.source, each.owner, customer
        )
        for each in await info.context.services.customer_profiles.traits(root.view, customer)
    ]


def _exact(value: Any) -> Json:
    """A value as it is answered: a number of any length to the last digit."""
    return Json(value) if isinstance(value, str | bool | float) else exact_json(value)


async def events(
    root: Parent[ScopedCustomer],
    first: int | None = 50,
    after: str | None = UNSET,
    names: list[str] | None = UNSET,
    since: Millis | None = UNSET,
    until: Millis | None = UNSET,
    newest_first: bool | None = True,
) -> Connection[Scoped[RecordedEvent]]:
    descending = newest_first is not False
    begin = NEWEST if descending else OLDEST
    window = EventWindow(
        names=names or None,
        since=earliest(since),
        until=latest(until),
        newest_first=descending,
        after=event_after(after, root.scope.space) if after else begin,
    )
    page = await root.view.events(root.record, window, page_size(first, 50))
    return connection(
        page,
        after or None,
        event_cursor,
        root.beside,
    )


async def event_count(root: Parent[ScopedCustomer]) -> int:
    return await root.view.event_count(root.record)


async def accounts(root: Parent[ScopedCustomer]) -> list[Scoped[Account]]:
    return [root.beside(each) for each in await root.view.accounts(root.record)]


def receipt(root: Parent[ScopedCustomer]) -> SettledCustomer:
    return root.record


def resolved_at(root: Parent[SettledCustomer]) -> Millis:
    return Millis(root.settled_at)


def as_of(root: Parent[SettledCustomer]) -> Millis | None:
    return None if root.as_of is None else Millis(root.as_of)


def over_connected_message(root: Parent[Scoped[OverConnectedComponent]]) -> str:
    found = root.record
    if found.size > found.limit:
        return (
            f"At least {found.size:,} identifiers are connected here, more than the "
            f"{found.limit:,} that can be resolved; what was settled before stays as it is. Block "
            "the identifiers that have the most links, or set max_links for their types."
        )
    return (
        f"{found.size:,} identifiers are connected here. So many are settled in the background, "
        "unless they have too many links; what was settled before stays as it is. Ask again soon; "
        "where nothing changes, block the identifiers that have the most links."
    )


def over_connected_identifiers(
    root: Parent[Scoped[OverConnectedComponent]],
) -> list[ScopedIdentifier]:
    return scoped(root.view, root.record.most_linked)


def over_connected_customer(
    root: Parent[Scoped[OverConnectedComponent]],
) -> ScopedCustomer | None:
    settled = root.record.settled
    return root.beside(settled) if settled else None


# Identifier


def identifier_space(root: Parent[ScopedIdentifier]) -> str:
    return root.scope.space


async def link_count(root: Parent[ScopedIdentifier]) -> int:
    return await root.view.link_count(root.record)


async def identifier_customer(root: Parent[ScopedIdentifier]) -> ScopedCustomer | None:
    found = await root.view.customer_of(root.record)
    return root.beside(found) if found else None


# Trait, Event


def trait_identifier(root: Parent[Scoped[CustomerTrait]]) -> ScopedIdentifier:
    return root.beside(root.record.owner)


async def trait_rule(root: Parent[Scoped[CustomerTrait]], info: Info) -> TraitRule:
    return (await _chosen(root, info)).rule


async def other_values(root: Parent[Scoped[CustomerTrait]], info: Info) -> list[OtherValue]:
    return [
        replace(each, value=exact_json(each.value)) for each in (await _chosen(root, info)).others
    ]


def other_value_at(root: Parent[OtherValue]) -> Millis:
    return Millis(root.at)


async def _chosen(root: Scoped[CustomerTrait], info: Info) -> ChosenTrait:
    trait = root.record
    found = await info.context.services.customer_profiles.chosen_trait(
        root.view, trait.customer, trait.name
    )
    if found is None:  # its events have gone since it was read
        raise NotFound(f"The trait “{trait.name}” has changed meanwhile.", remedy="Ask again.")
    return found


def properties(root: Parent[Scoped[RecordedEvent]]) -> Json:
    return json_fragment(root.record.properties_json)


async def event_identifiers(root: Parent[Scoped[RecordedEvent]]) -> list[ScopedIdentifier]:
    return scoped(root.view, await root.view.event_identifiers(root.record))


async def event_retracted(root: Parent[Scoped[RecordedEvent]], info: Info) -> bool:
    return await info.context.services.retractions.is_retracted(root.scope, root.record)


def _answer(view: CustomerView, answer: CustomerAnswer) -> ScopedAnswer:
    if isinstance(answer, Missing):
        return Scoped(view, answer)
    if isinstance(answer, SettledCustomer):
        return Scoped(view, answer)
    return Scoped(view, answer)
