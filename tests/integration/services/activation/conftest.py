"""Spaces with destinations; whatever served these is closed at the end of a test."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from tests.support.activation import Activated, ActivatedSpace, FakeClock, activated
from tests.support.space import World


@pytest.fixture
async def activate() -> AsyncGenerator[Activated]:
    """Adds destinations to a space: `activate(await world())`."""
    made: list[ActivatedSpace] = []

    def add(world: World, clock: FakeClock | None = None, worker: str = "w1") -> ActivatedSpace:
        made.append(activated(world, clock, worker))
        return made[-1]

    yield add
    for each in made:
        await each.engine.close()
