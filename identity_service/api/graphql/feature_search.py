# ruff: noqa: D101, D103  (the schema's descriptions say what a type or field is)
"""Customers filtered and sorted by their features."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import orjson
import strawberry
from strawberry import UNSET, Parent

from identity_service.api.graphql.connections import (
    Connection,
    connection,
    decode_cursor,
    encode_cursor,
    number_in,
    page_size,
)
from identity_service.api.graphql.context import Info
from identity_service.api.graphql.customer_pages import customers_of
from identity_service.api.graphql.scalars import Json
from identity_service.api.graphql.scoped import ScopedCustomer
from identity_service.errors import BadInput
from identity_service.graph.feature_search import FeatureCondition, FeatureSearch, RankedCustomer
from identity_service.services.spaces.access import SpaceScope

MAX_CONDITIONS: Final = 20
"""Most conditions on features of one search."""
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
        _after(after) if after else None,
    )
    page = await info.context.services.audiences.find_customers(root, search, page_size(first, 50))
    whole = connection(page, after or None, _cursor, lambda each: each.customer_id)
    return await customers_of(info, root, whole)


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


def _cursor(customer: RankedCustomer) -> str:
    value = orjson.dumps(customer.value).decode()
    return encode_cursor("ranked", customer.rank, customer.customer_id, value)


def _after(cursor: str) -> RankedCustomer:
    rank, customer, text = decode_cursor("ranked", cursor, 3)
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, bool | int | float | str) or _is_too_large(value):
        raise BadInput(f"“{cursor}” is no cursor of this list.")
    return RankedCustomer(customer, number_in(cursor, rank), value)
