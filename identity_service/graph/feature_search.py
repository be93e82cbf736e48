"""Customers found by the values of their features, as they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final, NamedTuple

from identity_service.domain.profiles.sorting import Scalar, is_cut, sort_text, type_of
from identity_service.graph.database import Database
from identity_service.graph.keys import feature_value_bounds
from identity_service.graph.profile_writes import FEATURE
from identity_service.graph.statements import statement

LIST_CUSTOMERS_ASCENDING: Final = statement("audiences/list_customers_ascending")
LIST_CUSTOMERS_DESCENDING: Final = statement("audiences/list_customers_descending")

_BEHIND: Final = "\x01"
"""What follows all keys of equal values, which have a zero character there."""


@dataclass(frozen=True, slots=True)
class FeatureCondition:
    """What the value of a feature is compared with.

    `operator` is one of `is`, `gt`, `gte`, `lt`, `lte`, and `exists`, whose operand is a boolean.
    """

    name: str
    operator: str
    operand: Scalar


class FoundCustomer(NamedTuple):
    """A customer, and its place in the order."""

    customer_id: str
    place: str


@dataclass(frozen=True, slots=True)
class FoundCustomers:
    """Customers in their order.

    `looked_to`: the place of the last value that was looked at, where these are fewer than asked
    for because too many others were before the next one.
    """

    customers: Sequence[FoundCustomer]
    looked_to: str | None


@dataclass(frozen=True, slots=True)
class FeatureSearch:
    """Which customers, and in which order.

    `after` is the place at which the page before ended. At most `looked_at` values are looked at.
    """

    conditions: Sequence[FeatureCondition]
    audience: str | None
    order_by: str
    descending: bool
    after: str | None
    looked_at: int


class FeatureSearchReader:
    """Finds customers by what is stored of their profiles."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, space: str, search: FeatureSearch, most: int) -> FoundCustomers:
        """Customers in their order, at most `most`."""
        above, below = _bounds(search)
        start, end = feature_value_bounds(space, search.order_by)
        row = await self._database.read_one(
            LIST_CUSTOMERS_DESCENDING if search.descending else LIST_CUSTOMERS_ASCENDING,
            w={
                "above": start + above,
                "below": end if below is None else start + below,
                "audience": search.audience,
                "conditions": [
                    {**asdict(each), "property": FEATURE + each.name} for each in search.conditions
                ],
                "looked_at": search.looked_at,
                "most": most,
            },
        )
        if row is None:
            return FoundCustomers((), None)
        found = [FoundCustomer(id_, key.removeprefix(start)) for id_, key in row["customers"]]
        return FoundCustomers(found, row["last"] and row["last"].removeprefix(start))


def _bounds(search: FeatureSearch) -> tuple[str, str | None]:
    """Two texts between which the places of all customers lie that can be found.

    None: there is no end.
    """
    after = search.after or ""
    ranges = [_range(each) for each in search.conditions if each.name == search.order_by]
    above = max((start for start, _ in ranges), default="")
    below = min((end for _, end in ranges if end is not None), default=None)
    if not search.descending:
        return max(above, after), below
    if not after:
        return above, below
    return above, after if below is None else min(below, after)


def _range(condition: FeatureCondition) -> tuple[str, str | None]:
    """Two texts between which the places of all values lie that fulfil a condition."""
    operand = condition.operand
    if condition.operator == "exists":
        return "", None
    kind, text = type_of(operand), sort_text(operand)
    before, behind = (text, text + _BEHIND)
    first, last = kind, chr(ord(kind) + 1)
    match condition.operator:
        case "is":
            return before, behind
        case "gt":
            return before if is_cut(operand) else behind, last
        case "gte":
            return before, last
        case "lt":
            return first, behind if is_cut(operand) else before
        case _:
            return first, behind
