"""Customers found by the values of their features, as they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final, NamedTuple, TypeAlias

from identity_service.graph.database import Database
from identity_service.graph.statements import statement

LIST_CUSTOMERS_ASCENDING: Final = statement("audiences/list_customers_ascending")
LIST_CUSTOMERS_DESCENDING: Final = statement("audiences/list_customers_descending")

Operand: TypeAlias = bool | int | float | str


@dataclass(frozen=True, slots=True)
class FeatureCondition:
    """What the value of a feature is compared with.

    `operator` is one of `is`, `gt`, `gte`, `lt`, `lte`, and `exists`, whose operand is a boolean.
    """

    name: str
    operator: str
    operand: Operand


class RankedCustomer(NamedTuple):
    """A customer and the value that it is ordered by; `rank` orders values of other types."""

    customer_id: str
    rank: int
    value: Operand


@dataclass(frozen=True, slots=True)
class FeatureSearch:
    """Which customers, and in which order. `after` is the last customer of the page before."""

    conditions: Sequence[FeatureCondition]
    audience: str | None
    order_by: str
    descending: bool
    after: RankedCustomer | None


class FeatureSearchReader:
    """Finds customers by what is stored of their profiles."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, space: str, search: FeatureSearch, most: int) -> list[RankedCustomer]:
        """Customers in their order, at most `most`."""
        after = search.after
        row = await self._database.read_one(
            LIST_CUSTOMERS_DESCENDING if search.descending else LIST_CUSTOMERS_ASCENDING,
            w={
                "space": space,
                "audience": search.audience,
                "conditions": [
                    {**asdict(each), "property": f"f_{each.name}"} for each in search.conditions
                ],
                "order": f"f_{search.order_by}",
                "after": after
                and {"rank": after.rank, "value": after.value, "id": after.customer_id},
                "most": most,
            },
        )
        return [RankedCustomer(*each) for each in row["customers"]] if row else []
