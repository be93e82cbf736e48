"""Reading a large body without the garbage collector.

A body that is being decoded only grows, and the collector would look through all of it again and
again: three quarters of the time. Nothing that is decoded refers to itself, so it would find
nothing.
"""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager
from threading import Lock
from typing import Final


class _Pause:
    """Who needs the collector to rest; it is one for the whole process, and so is this."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._holders = 0
        self._was_enabled = False

    def begin(self) -> None:
        with self._lock:
            if self._holders == 0:
                self._was_enabled = gc.isenabled()
                gc.disable()
            self._holders += 1

    def end(self) -> None:
        with self._lock:
            self._holders -= 1
            if self._holders == 0 and self._was_enabled:
                gc.enable()


_PAUSE: Final = _Pause()


@contextmanager
def gc_paused() -> Generator[None]:
    """No collection until the last of all threads that are inside has left; then as before."""
    _PAUSE.begin()
    try:
        yield
    finally:
        _PAUSE.end()
