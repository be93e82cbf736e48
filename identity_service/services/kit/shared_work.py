"""Work that several ask for at the same time, done once for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from identity_service.graph.deadlines import deadline, later, waiting_until

G = TypeVar("G", bound=Hashable)
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(slots=True)
class _Asked(Generic[V]):
    """A key that somebody waits for, how to make its value, and until when all of them wait."""

    make: Callable[[], Awaitable[V]]
    answer: asyncio.Future[V]
    until: float | None


@dataclass(slots=True)
class _Group(Generic[K, V]):
    waiting: dict[K, _Asked[V]] = field(default_factory=dict[K, _Asked[V]])
    running: dict[K, asyncio.Task[None]] = field(default_factory=dict[K, asyncio.Task[None]])


class SharedWork(Generic[G, K, V]):
    """Makes the values of keys, a few of one group at a time.

    A value that was made answers everybody who asked for its key before the work began, and for
    any other key of the group that it `answers` as well. It never answers who asked after the
    work began: that one may know of something newer.
    """

    def __init__(self, answers: Callable[[V, K], bool], side_by_side: int) -> None:
        self._answers = answers
        self._side_by_side = side_by_side
        self._groups: dict[G, _Group[K, V]] = {}

    async def get(self, group: G, key: K, make: Callable[[], Awaitable[V]]) -> V:
        """The value of a key; raises what `make` raises."""
        found = self._groups.setdefault(group, _Group())
        asked = found.waiting.get(key)
        if asked is None:
            answer = asyncio.get_running_loop().create_future()
            asked = found.waiting[key] = _Asked(make, answer, deadline())
            self._start(group, found)
        else:
            asked.until = later(asked.until, deadline())
        # Shielded: one who gives up must not take the answer from the others.
        return await asyncio.shield(asked.answer)

    def _start(self, name: G, group: _Group[K, V]) -> None:
        for key in [key for key in group.waiting if key not in group.running]:
            if len(group.running) >= self._side_by_side:
                return
            asked = group.waiting.pop(key)
            with waiting_until(asked.until):
                task = asyncio.create_task(self._run(name, group, key, asked, dict(group.waiting)))
            group.running[key] = task

    async def _run(
        self,
        name: G,
        group: _Group[K, V],
        key: K,
        asked: _Asked[V],
        asked_before: dict[K, _Asked[V]],
    ) -> None:
        try:
            made = await asked.make()
        except BaseException as error:
            cancelled = isinstance(error, asyncio.CancelledError)
            asked.answer.set_exception(asyncio.CancelledError() if cancelled else error)
            asked.answer.exception()  # who asked may be gone; that is no news for the log
            if not isinstance(error, Exception):
                raise
        else:
            asked.answer.set_result(made)
            for other, its in asked_before.items():
                if group.waiting.get(other) is its and self._answers(made, other):
                    del group.waiting[other]
                    its.answer.set_result(made)
        finally:
            del group.running[key]
            self._start(name, group)
            if not group.running:
                del self._groups[name]
