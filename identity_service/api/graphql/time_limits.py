"""How long an operation may take, from its text."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Self

from graphql import DocumentNode, FieldNode, Visitor, visit

from identity_service.errors import TimeUp
from identity_service.graph.deadlines import waiting_until
from identity_service.settings import Settings

JOURNEYS: Final = frozenset({"journeys"})
PREVIEWS: Final = frozenset({"preview", "previewJudgement", "previewProfiles", "previewRetraction"})
"""Fields that have a limit of their own."""


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Seconds that an operation may take, and that it may where a journey or preview is asked."""

    operation: float
    journey: float
    preview: float

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As the operator has set them."""
        return cls(settings.operation_timeout, settings.journey_timeout, settings.preview_timeout)

    def longest(self, document: DocumentNode) -> float:
        """Seconds that the operations of a document may take."""
        fields = _Fields()
        visit(document, fields)
        own = ((JOURNEYS, self.journey), (PREVIEWS, self.preview))
        return max([self.operation, *(most for names, most in own if names & fields.names)])


class _Fields(Visitor):
    """Collects the names of all fields."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        self.names.add(node.name.value)


@asynccontextmanager
async def in_time(seconds: float | None) -> AsyncGenerator[None]:
    """End what takes longer than so many seconds (None: any time), and what it asks of the
    database, with TimeUp.
    """
    if seconds is None:
        yield
        return
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            with waiting_until(time.monotonic() + seconds):
                yield
    except TimeoutError:
        if not limit.expired():
            raise
        raise TimeUp(seconds) from None
