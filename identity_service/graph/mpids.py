"""Numbers of customers in the graph, by which mParticle's Profile API knows them."""

from __future__ import annotations

from typing import Final

from identity_service.domain.ids import mpid_of
from identity_service.graph.database import Database
from identity_service.graph.statements import statement

FIND_CUSTOMER: Final = statement("mpids/find_customer")
KEEP_MPID: Final = statement("mpids/keep_mpid")


class MpidStore:
    """Keeps numbers where a customer was asked for by another name, and finds customers by them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, space: str, customer_id: str) -> int:
        """The number of a customer, who is found by it from now on."""
        mpid = mpid_of(customer_id)
        await self._database.write_one(
            KEEP_MPID, w={"space": space, "customer": customer_id, "mpid": mpid}
        )
        return mpid

    async def find(self, space: str, mpid: int) -> str | None:
        """The id, current or retired, whose number it is; None for one that was never kept."""
        row = await self._database.read_one(FIND_CUSTOMER, w={"space": space, "mpid": mpid})
        return row["id"] if row else None
