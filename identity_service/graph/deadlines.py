"""Until when somebody waits for what is asked of the database."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


def deadline() -> float | None:
    """Until when this task, or the one that began it, waits (monotonic); None: for any time."""
    return _deadline.get()


@contextmanager
def waiting_until(moment: float | None) -> Generator[None]:
    """Statements that are begun here have no more time than until then; the server ends them."""
    token = _deadline.set(moment)
    try:
        yield
    finally:
        _deadline.reset(token)


def seconds_left(limit: float) -> float:
    """The time of a statement (0: any), which has a limit of its own; more than 0 if it has one."""
    moment = _deadline.get()
    if moment is None:
        return limit
    left = max(moment - time.monotonic(), 0.001)
    return min(limit, left) if limit else left


def later(one: float | None, other: float | None) -> float | None:
    """The later of two deadlines."""
    return None if one is None or other is None else max(one, other)
