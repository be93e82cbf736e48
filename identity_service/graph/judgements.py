"""Judgements in the graph, one by one. They are written with the settlement they cause."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from identity_service.domain.identifiers import Identifier
from identity_service.domain.judgements import AnyJudgement, Detachment, Judgement, Verdict
from identity_service.graph.database import Database
from identity_service.graph.statements import statement

READ_JUDGEMENTS: Final = statement("judgements/read_judgements")


class JudgementStore:
    """Reads judgements."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, space: str, judgement: str) -> AnyJudgement | None:
        """A judgement of a space, withdrawn or not."""
        found = await self.find_all(space, [judgement])
        return found[0] if found else None

    async def find_all(self, space: str, judgements: Sequence[str]) -> list[AnyJudgement]:
        """Judgements of a space by their ids, in no order, without those that are not there."""
        row = await self._database.read_one(
            READ_JUDGEMENTS, w={"space": space, "ids": list(judgements)}
        )
        return [any_judgement_of(*entry) for entry in row["judgements"]] if row else []


def judgement_of(
    made: str,
    verdict: str,
    a_type: str,
    a_value: str,
    b_type: str,
    b_value: str,
    made_at: int,
    author: str = "",
    reason: str = "",
    withdrawn_at: int | None = None,
    withdrawn_by: str | None = None,
    withdrawn_reason: str | None = None,
) -> Judgement:
    """A judgement of two identifiers, as listed; what only people read may be left out."""
    return Judgement(
        id=made,
        verdict=Verdict(verdict),
        a=Identifier(a_type, a_value),
        b=Identifier(b_type, b_value),
        made_at=made_at,
        author=author,
        reason=reason,
        withdrawn_at=withdrawn_at,
        withdrawn_by=withdrawn_by,
        withdrawn_reason=withdrawn_reason,
    )


def any_judgement_of(*entry: Any) -> AnyJudgement:
    """A judgement as statements list it whole, the message id of its event last."""
    made, verdict, a_type, a_value, _, _, made_at, author, reason, at, by, why, message_id = entry
    if Verdict(verdict) is not Verdict.DETACH:
        return judgement_of(*entry[:-1])
    a = Identifier(a_type, a_value)
    return Detachment(made, a, message_id, made_at, author, reason, at, by, why)
