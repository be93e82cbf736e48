# ruff: noqa: D101  (the schema's descriptions say what a type or field is)
"""Pages of customers, and why each is there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import strawberry

from identity_service.api.graphql.connections import Connection, Edge, PageInfo
from identity_service.api.graphql.context import Info, Scoped, current_view
from identity_service.api.graphql.scoped import ScopedCustomer
from identity_service.api.graphql.types import Customer
from identity_service.domain.recorded import SettledCustomer
from identity_service.domain.search import Likeness
from identity_service.services.read.search import Match
from identity_service.services.spaces.access import SpaceScope

strawberry.enum(Likeness, name="Likeness")


@strawberry.type(name="Match")
class FoundMatch:
    name: str
    value: str
    likeness: Likeness


@strawberry.type
class CustomerEdge:
    cursor: str
    node: Customer
    matches: list[FoundMatch]


@strawberry.type
class CustomerConnection:
    edges: list[CustomerEdge]
    page_info: PageInfo


@dataclass(frozen=True, slots=True)
class ListedCustomer(Edge[ScopedCustomer]):
    """A customer in a list, and why a search found it."""

    matches: Sequence[Match] = ()


async def customers_of(
    info: Info,
    scope: SpaceScope,
    whole: Connection[str],
    matches: Iterable[Sequence[Match]] = (),
) -> Connection[ScopedCustomer]:
    """A page of customer ids as one of customers. Those that have gone meanwhile are left out.

    `matches` are why each was found, in the order of the page.
    """
    view = current_view(info, scope)
    found = await view.find_all_by_id([edge.node for edge in whole.edges])
    there = {each.customer_id: each for each in found if isinstance(each, SettledCustomer)}
    why = dict(zip((edge.node for edge in whole.edges), matches, strict=False))
    return Connection(
        [
            ListedCustomer(edge.cursor, Scoped(view, there[edge.node]), why.get(edge.node, ()))
            for edge in whole.edges
            if edge.node in there
        ],
        whole.page_info,
    )
