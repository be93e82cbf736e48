# ruff: noqa: D101, D103  (the schema's descriptions say what a type or field is)
"""Customers filtered and sorted by their features."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import strawberry
from strawberry import UNSET, Parent

from identity_service.api.graphql.connections import (
    Connection,
    connection,
    decode_cursor,
    encode_cursor,
    page_size,
)
from identity_service.api.graphql.context import Info
from identity_service.api.graphql.customer_pages import customers_of
from identity_service.api.graphql.scalars import Json
from identity_service.api.graphql.scoped import ScopedCustomer
from identity_service.domain.recorded import page_of
from identity_service.errors import BadInput
from identity_service.graph.feature_search import (
    FeatureCondition,
    FeatureSearch,
    FoundCustomer,
    FoundCustomers,
)
from identity_service.services.spaces.access import SpaceScope

MAX_CONDITIONS: Final = 20
"""Most conditions on features of one search."""
MAX_LOOKED_AT: Final = 10_000
"""Most values that are looked at for one page of customers by a feature."""

_OPERATORS: Final = ("is_", "gt", "gte", "lt", "lte", "exists")
_LARGEST: Final = 2**63


@strawberry.input(
    name="FeatureCondition",
    description=(
        "The value of a feature fulfils all that is given. Operands are numbers, texts or truth "
        "values; a value of another type fulfils none."
    ),
)
class FeatureConditionInput:
    name: str
    is_: Json | None = strawberry.field(name="is", default=UNSET)
    gt: Json | None = UNSET
    gte: Json | None = UNSET
    lt: Json | None = UNSET
    lte: Json | None = UNSET
    exists: bool | None = UNSET


async def customers_by_feature(
    root: Parent[SpaceScope],
    info: Info,
    order_by: str,
    descending: bool | None = True,
    where: list[FeatureConditionInput] | None = UNSET,
    audience: str | None = UNSET,
    first: int | None = 50,
    after: str | None = UNSET,
) -> Connection[ScopedCustomer]:
    given = where or []
    if len(given) > MAX_CONDITIONS:
        raise BadInput(f"“where” holds more than {MAX_CONDITIONS} conditions.")
    search = FeatureSearch(
        [condition for each in given for condition in _conditions(each)],
        audience or None,
        order_by,
        descending is not False,
        decode_cursor("sorted", after, 1)[0] if after else None,
        MAX_LOOKED_AT,
    )
    size = page_size(first, 50)
    found = await info.context.services.audiences.find_customers(root, search, size + 1)
    page = connection(
        page_of(found.customers, size), after or None, _cursor, lambda each: each.customer_id
    )
    return await customers_of(info, root, _going_on(page, found))


def _going_on(page: Connection[str], found: FoundCustomers) -> Connection[str]:
    """A page that the next one follows even where it is not full, or empty."""
    if found.looked_to is None or page.page_info.has_next_page:
        return page
    end = encode_cursor("sorted", found.looked_to)
    return replace(page, page_info=replace(page.page_info, has_next_page=True, end_cursor=end))


def _conditions(given: FeatureConditionInput) -> Iterator[FeatureCondition]:
    for name in _OPERATORS:
        operand: object = getattr(given, name)
        if operand is UNSET or operand is None:
            continue
        if not isinstance(operand, bool | int | float | str) or _is_too_large(operand):
            raise BadInput(f"What “{given.name}” is compared with is no number, text or boolean.")
        yield FeatureCondition(given.name, name.removesuffix("_"), operand)


def _is_too_large(operand: object) -> bool:
    return isinstance(operand, int) and not -_LARGEST <= operand < _LARGEST


def _cursor(customer: FoundCustomer) -> str:
    return encode_cursor("sorted", customer.place)
