# ruff: noqa: D101, D103  (the schema's descriptions say what a type or field is)
"""The service as a subgraph: what a gateway of Apollo Federation 2 asks of it.

A key names the space, by itself or inside the global id, and is looked up with what the caller's
own key may see: what lies in another space is null, as what is not there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Final, TypeAlias

import strawberry

from identity_service.api.graphql.connections import identifier_in, parse_global_id
from identity_service.api.graphql.context import Info, Scoped, current_view
from identity_service.api.graphql.scalars import Representation
from identity_service.api.graphql.types import Customer, Identifier
from identity_service.domain import identifiers
from identity_service.domain.recorded import SettledCustomer
from identity_service.errors import BadInput, TooLarge
from identity_service.graph.keys import identifier_key
from identity_service.services.read.current import MAX_LOOKED_UP, CurrentView

KEYS: Final = """
extend schema
  @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])

extend type Customer @key(fields: "id")

extend type Identifier @key(fields: "id") @key(fields: "space type value")
"""
"""What the text of the schema says to a gateway besides the types."""

Entity: TypeAlias = Annotated[Customer | Identifier, strawberry.union("_Entity")]


@strawberry.type(name="_Service")
class Service:
    sdl: str | None


@dataclass(frozen=True, slots=True)
class _CustomerOf:
    """A customer by the id of its node."""

    space: str
    customer_id: str


@dataclass(frozen=True, slots=True)
class _Stored:
    """An identifier by the id of its node: as the graph spells it."""

    space: str
    identifier: identifiers.Identifier


@dataclass(frozen=True, slots=True)
class _Sent:
    """An identifier as somebody else's records hold it."""

    space: str
    identifier: identifiers.Identifier


_Key: TypeAlias = _CustomerOf | _Stored | _Sent
_Found: TypeAlias = Mapping[_Key, Scoped[object]]


async def service(info: Info) -> Service:
    # Beside the loop: the first time, it takes a tenth of a second.
    return Service(sdl=await asyncio.to_thread(_sdl, info.schema))


async def entities(
    info: Info, representations: list[Representation]
) -> list[Scoped[object] | BadInput | None]:
    """Each in its place; a key that cannot be read is the error of that place."""
    if len(representations) > MAX_LOOKED_UP:
        raise TooLarge(
            f"{len(representations):,} representations are more than {MAX_LOOKED_UP:,}.",
            remedy="Ask several times.",
        )
    keys = [_read(each) for each in representations]
    readable = [key for key in keys if not isinstance(key, BadInput)]
    found = dict[_Key, Scoped[object]]()
    for space in {key.space for key in readable}:
        scope = info.context.services.access.enter(info.context.caller, space)
        if scope is not None:
            inside = [key for key in readable if key.space == space]
            found |= await _find(current_view(info, scope), inside)
    return [key if isinstance(key, BadInput) else found.get(key) for key in keys]


@cache
def _sdl(schema: strawberry.Schema) -> str:
    # Other subgraphs have pages too; only a definition can say that its fields are shared.
    text = schema.as_str().replace("type PageInfo {", "type PageInfo @shareable {")
    return f"{text}\n{KEYS}"


def _read(representation: object) -> _Key | BadInput:
    """What a gateway asks for; or why it cannot be read."""
    match representation:
        case {"__typename": str(kind), "id": str(node)}:
            with suppress(BadInput):
                return _of_node(kind, *parse_global_id(node))
        case {
            "__typename": "Identifier",
            "space": str(space),
            "type": str(type_),
            "value": str(value),
        }:
            return _Sent(space, identifiers.Identifier(type_, value))
        case _:
            pass
    return BadInput(
        "This is no key of a Customer or an Identifier.",
        remedy="Send __typename with id, or, of an Identifier, with space, type and value.",
    )


def _of_node(asked: str, kind: str, space: str, key: str) -> _Key:
    """The key in the id of a node; raises BadInput where it is not of the kind asked for."""
    match asked, kind:
        case "Customer", "Customer":
            return _CustomerOf(space, key)
        case "Identifier", "Identifier":
            return _Stored(space, identifier_in(key))
        case _:
            raise BadInput(f"This is the id of another type than {asked}.")


async def _find(view: CurrentView, keys: Sequence[_Key]) -> _Found:
    """What there is of them, by one reading of customers and one of identifiers."""
    of_customers, of_identifiers = await asyncio.gather(
        _find_customers(view, [key for key in keys if isinstance(key, _CustomerOf)]),
        _find_identifiers(view, [key for key in keys if not isinstance(key, _CustomerOf)]),
    )
    return {**of_customers, **of_identifiers}


async def _find_customers(view: CurrentView, keys: Sequence[_CustomerOf]) -> _Found:
    answers = await view.find_all_by_id([key.customer_id for key in keys])
    return {
        key: Scoped(view, answer)
        for key, answer in zip(keys, answers, strict=True)
        if isinstance(answer, SettledCustomer)
    }


async def _find_identifiers(view: CurrentView, keys: Sequence[_Stored | _Sent]) -> _Found:
    sent = [key for key in keys if isinstance(key, _Sent)]
    values = (await view.in_force()).values
    spelled = await view.spelled([key.identifier for key in sent], values)
    meant = {
        **{key: key.identifier for key in keys if isinstance(key, _Stored)},
        **dict(zip(sent, spelled, strict=True)),
    }
    graph_keys = {
        key: identifier_key(view.scope.space, identifier)
        for key, identifier in meant.items()
        if isinstance(identifier, identifiers.Identifier)
    }
    seen = {each.key: each for each in await view.identifiers(list(graph_keys.values()))}
    return {key: Scoped(view, seen[each]) for key, each in graph_keys.items() if each in seen}
