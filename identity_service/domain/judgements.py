"""Judgements: a person's signed statement about two identifiers, or about one event."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, TypeAlias

from identity_service.domain.identifiers import Identifier
from identity_service.errors import FieldInvalid


class Verdict(StrEnum):
    """What a judgement says: of two identifiers, or (`DETACH`) of an event and one identifier."""

    SAME = "same"
    APART = "apart"
    DETACH = "detach"


OF_TWO: Final = (Verdict.SAME, Verdict.APART)
"""The verdicts about two identifiers."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """`SAME` or `APART`. Made once, perhaps withdrawn, never overwritten.

    Times in milliseconds since 1970.
    """

    id: str
    verdict: Verdict
    a: Identifier
    b: Identifier
    made_at: int
    author: str = ""
    reason: str = ""
    withdrawn_at: int | None = None
    withdrawn_by: str | None = None
    withdrawn_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Detachment:
    """`DETACH`: on the events with this message id, `a` does not name the person.

    Otherwise as `Judgement`.
    """

    id: str
    a: Identifier
    message_id: str
    made_at: int
    author: str = ""
    reason: str = ""
    withdrawn_at: int | None = None
    withdrawn_by: str | None = None
    withdrawn_reason: str | None = None

    @property
    def verdict(self) -> Verdict:
        """Always `DETACH`."""
        return Verdict.DETACH

    @property
    def b(self) -> None:
        """There is no second identifier."""
        return None


AnyJudgement: TypeAlias = Judgement | Detachment
"""As people make, list and withdraw them."""


def judgement_as_of(made: AnyJudgement, moment: int) -> AnyJudgement:
    """As it was at a moment (milliseconds since 1970), before it was withdrawn later."""
    if made.withdrawn_at is None or made.withdrawn_at <= moment:
        return made
    return replace(made, withdrawn_at=None, withdrawn_by=None, withdrawn_reason=None)


def require_two(a: Identifier, b: Identifier) -> None:
    """Raise FieldInvalid, at `b`, where an identifier would be judged against itself."""
    if a == b:
        raise FieldInvalid("b", f"{a} is judged against itself: name two identifiers.")
