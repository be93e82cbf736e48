"""Policies in the graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from identity_service.errors import NotFound
from identity_service.graph.database import Database
from identity_service.graph.statements import statement

READ_POLICY_IN_FORCE: Final = statement("policies/read_policy_in_force")


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """The policy in force, as text, and the property names that the space has in use."""

    version: int
    text: str
    property_names: frozenset[str]


class PolicyStore:
    """Reads and writes policies."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def in_force(self, space: str) -> StoredPolicy:
        """The policy of a space. Raises NotFound where there is no such space."""
        row = await self._database.read_one(READ_POLICY_IN_FORCE, space=space)
        if row is None:
            raise NotFound(f"There is no space “{space}”.", remedy="Create it first.")
        return StoredPolicy(row["version"], row["text"], frozenset(row["property_names"]))
