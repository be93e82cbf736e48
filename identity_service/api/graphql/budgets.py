"""How much the holder of one key may have done at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from identity_service.errors import Overloaded

CHEAP: Final = 1_000
"""A query below this spends nothing: one that finds a customer never waits for one that lists."""

MAX_WAITING: Final = 100
"""Queries of one key that may wait until others of it are done."""


@dataclass(slots=True)
class _Budget:
    spent: int = 0
    waiting: deque[tuple[asyncio.Future[None], int]] = field(
        default_factory=deque[tuple[asyncio.Future[None], int]]
    )


class Budgets:
    """A budget of each key, spent while its queries run. Who finds it spent waits in turn."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._budgets: dict[Hashable, _Budget] = {}

    @asynccontextmanager
    async def spend(self, key: Hashable, cost: int) -> AsyncGenerator[None]:
        """Spend at most the whole budget; raises Overloaded when too many wait already."""
        if cost < CHEAP:
            yield
            return
        budget = self._budgets.setdefault(key, _Budget())
        if budget.waiting or budget.spent + cost > self._budget:
            await self._wait(budget, cost)
        else:
            budget.spent += cost
        try:
            yield
        finally:
            budget.spent -= cost
            self._go_on(budget)
            if not budget.spent and not budget.waiting:
                self._budgets.pop(key, None)

    async def _wait(self, budget: _Budget, cost: int) -> None:
        if len(budget.waiting) >= MAX_WAITING:
            raise Overloaded(f"{MAX_WAITING} queries with this key wait for others of it.")
        turn = asyncio.get_running_loop().create_future()
        budget.waiting.append((turn, cost))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                budget.spent -= cost  # it had its turn, and gives it to the next
            self._go_on(budget)
            raise

    def _go_on(self, budget: _Budget) -> None:
        while budget.waiting:
            turn, cost = budget.waiting[0]
            if not turn.cancelled():
                if budget.spent + cost > self._budget:
                    return
                budget.spent += cost
                turn.set_result(None)
            budget.waiting.popleft()
