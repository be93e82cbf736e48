"""What a space says of itself: its policies, how far it is settled, and how much it holds."""

from __future__ import annotations

from collections.abc import Collection
from itertools import zip_longest
from typing import Any, Final

from identity_service.domain.recorded import CustomerCounts, PolicyVersion, RolloutProgress
from identity_service.domain.resolution.id_register import CustomerKind
from identity_service.graph.database import Database
from identity_service.graph.keys import policy_key
from identity_service.graph.statements import Statement, statement

READ_POLICY: Final = statement("spaces/read_policy")
LIST_POLICIES: Final = statement("spaces/list_policies")
LIST_REGIONS: Final = statement("spaces/list_regions")
LIST_PROPERTY_NAMES: Final = statement("spaces/list_property_names")
RELEASE_PROPERTY_NAMES: Final = statement("spaces/release_property_names")
COUNT_CUSTOMERS: Final = statement("spaces/count_customers")
COUNT_IDENTIFIERS: Final = statement("spaces/count_identifiers")
COUNT_LINKS: Final = statement("spaces/count_links")
COUNT_EVENTS: Final = statement("spaces/count_events")

NO_SOURCE: Final = "-"
"""Stands for the source of a name that an earlier version took into use."""


class SpaceStore:
    """Reads what a space says of itself, and gives names back."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def policy(self, space: str) -> tuple[PolicyVersion, RolloutProgress] | None:
        """The policy in force and how far it is settled; None when there is no such space."""
        row = await self._database.read_one(READ_POLICY, space=space)
        if row is None:
            return None
        policy = PolicyVersion(*row["policy"])
        return policy, RolloutProgress(policy.version, *row["settlement"])

    async def policies(self, space: str, newest: int, most: int) -> list[PolicyVersion]:
        """At most `most` versions, counting down from `newest`."""
        versions = range(newest, max(newest - most, 0), -1)
        row = await self._database.read_one(
            LIST_POLICIES, w={"keys": [policy_key(space, version) for version in versions]}
        )
        return [PolicyVersion(*policy) for policy in row["policies"]] if row else []

    async def regions(self, space: str) -> list[str]:
        """The countries whose national phone numbers the sources of a space send, in order."""
        row = await self._database.read_one(LIST_REGIONS, space=space)
        return list(row["regions"]) if row else []

    async def property_names(self, space: str) -> dict[str, str | None]:
        """The property names in use, `p_…`, each with the source that took it, where known."""
        row = await self._database.read_one(LIST_PROPERTY_NAMES, space=space)
        if row is None:
            return {}
        sources = [None if source == NO_SOURCE else source for source in row["sources"]]
        return dict(zip_longest(row["names"], sources[: len(row["names"])]))

    async def release_property_names(self, space: str, names: Collection[str]) -> list[str]:
        """Give names back; returns those that were in use."""
        row = await self._database.write_one(RELEASE_PROPERTY_NAMES, space=space, names=list(names))
        return row["released"] if row else []

    async def count_customers(self, space: str) -> CustomerCounts:
        """Customers by kind."""
        row = await self._database.read_one(COUNT_CUSTOMERS, space=space)
        counts: dict[str, int] = dict(row["counts"]) if row else {}
        return CustomerCounts(
            known=counts.get(CustomerKind.KNOWN, 0),
            anonymous=counts.get(CustomerKind.ANONYMOUS, 0),
            quarantined=counts.get(CustomerKind.QUARANTINED, 0),
        )

    async def count_identifiers(self, space: str) -> int:
        """Identifiers seen, blocked ones too."""
        return await self._count(COUNT_IDENTIFIERS, prefix=f"{space}/")

    async def count_links(self, space: str) -> int:
        """Pairs of identifiers seen together."""
        return await self._count(COUNT_LINKS, prefix=f"{space}/")

    async def count_events(self, space: str) -> int:
        """Events taken in."""
        return await self._count(COUNT_EVENTS, space=space)

    async def _count(self, counting: Statement, **parameters: Any) -> int:
        row = await self._database.read_one(counting, **parameters)
        return row["number"] if row else 0
