"""Profiles of customers as they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from identity_service.domain.profiles.evaluate import FeatureValue
from identity_service.domain.profiles.values import read_json
from identity_service.graph.customers import CustomerKey
from identity_service.graph.database import Database
from identity_service.graph.statements import statement

READ_PROFILES: Final = statement("profiles/read_profiles")


class StoredProfileRow(NamedTuple):
    """A profile as it is stored. `touched`: what it is computed from has changed since.

    `due`: when it can change next, in milliseconds since 1970; None: never. `ticks_at`: when the
    first of its values that tick does, which is not waited for.
    """

    version: int | None
    values_json: str | None
    audiences: Sequence[str] | None
    evaluated_at: int | None
    due: int | None
    ticks_at: int | None
    touched: bool

    @property
    def features(self) -> dict[str, FeatureValue]:
        """The values of features, by name."""
        return {
            name: FeatureValue(
                said.get("value"), said.get("skipped", 0), said.get("truncated", False)
            )
            for name, said in read_json(self.values_json or "{}").items()
        }


class StoredProfileReader:
    """Reads profiles."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def profiles(
        self, customers: Sequence[CustomerKey]
    ) -> dict[CustomerKey, StoredProfileRow]:
        """Profiles of customers, those that are stored."""
        row = await self._database.read_one(
            READ_PROFILES, w={"customers": [list(each) for each in customers]}
        )
        found = row["profiles"] if row else ()
        return {(space, customer): StoredProfileRow(*entry) for space, customer, *entry in found}
