"""Journeys in the graph: the statements under `cypher/journeys/`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from identity_service.graph.database import Database
from identity_service.graph.statements import Statement, statement

STATEMENTS: Final[Mapping[str, Statement]] = {
    "last_page_before": statement("journeys/last_page_before"),
    "flows": statement("journeys/flows"),
    "funnel": statement("journeys/funnel"),
    "funnel_by": statement("journeys/funnel_by"),
    "correlation": statement("journeys/correlation"),
    "drop_off": statement("journeys/drop_off"),
    "retention": statement("journeys/retention"),
    "time_to_convert": statement("journeys/time_to_convert"),
    "attribution": statement("journeys/attribution"),
    "customer_path": statement("journeys/customer_path"),
    "hidden_by_quarantine": statement("journeys/hidden_by_quarantine"),
    "cross_app_users": statement("journeys/cross_app_users"),
    "accounts": statement("journeys/accounts"),
    "newsletter_to_customer": statement("journeys/newsletter_to_customer"),
    "changed_identities": statement("journeys/changed_identities"),
}
"""By the name of the journey."""


class JourneyReader:
    """Answers journeys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rows(
        self, name: str, space: str, arguments: Mapping[str, Any]
    ) -> list[Sequence[Any]]:
        """The rows of a journey, each in the order of its columns."""
        rows = await self._database.read_long(STATEMENTS[name], w={"space": space, **arguments})
        return [tuple(row.values()) for row in rows]
