"""Judgements in the graph, one by one. They are written with the settlement they cause."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import Judgement, Verdict
from identity_service.graph.database import Database
from identity_service.graph.ledger import judgement_of
from identity_service.graph.statements import statement

READ_JUDGEMENT: Final = statement("judgements/read_judgement")
READ_JUDGEMENTS: Final = statement("judgements/read_judgements")


class JudgementStore:
    """Reads judgements."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, space: str, judgement: str) -> Judgement | None:
        """A judgement of a space, withdrawn or not."""
        row = await self._database.read_one(READ_JUDGEMENT, space=space, id=judgement)
        if row is None:
            return None
        return Judgement(
            id=judgement,
            verdict=Verdict(row["verdict"]),
            a=Identifier(*row["a"]),
            b=Identifier(*row["b"]),
            made_at=row["made_at"],
            author=row["author"],
            reason=row["reason"],
            withdrawn_at=row["withdrawn_at"],
            withdrawn_by=row["withdrawn_by"],
            withdrawn_reason=row["withdrawn_reason"],
        )

    async def find_all(self, space: str, judgements: Sequence[str]) -> list[Judgement]:
        """Judgements of a space by their ids, in no order, without those that are not there."""
        row = await self._database.read_one(
            READ_JUDGEMENTS, w={"space": space, "ids": list(judgements)}
        )
        return [judgement_of(*entry) for entry in row["judgements"]] if row else []
