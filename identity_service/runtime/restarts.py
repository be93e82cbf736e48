"""Keeps the managed Neo4j running: it is started again when it ends by itself or is of no use.

It may be killed, or run out of memory, for which Java ends. After a disk that was full it lives on
but takes nothing any more. It comes back at the same address, so that whoever uses it only has to
wait.
"""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Final, Self

import structlog

from identity_service.runtime import server
from identity_service.runtime.server import RunningServer
from identity_service.settings import Settings

POLL_INTERVAL_S: Final = 0.5
"""Seconds after which it is looked whether the server still runs."""

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 5.0
"""Seconds before another start when one failed, or the server ended soon after it."""

_log = structlog.get_logger(__name__)


class KeptRunning:
    """A context in which a server runs, and at whose end it is stopped if it is this process's."""

    def __init__(self, settings: Settings, running: RunningServer) -> None:
        self._settings = settings
        self._running = running
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="neo4j-restarts", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ending.set()
        self._thread.join()
        self._running.stop()

    def _watch(self) -> None:
        pause, started = FIRST_PAUSE_S, time.monotonic()
        while not self._ending.wait(POLL_INTERVAL_S):
            if self._running.has_ended:
                _log.error("neo4j_ended", pid=self._running.pid)
            elif self._running.has_panicked:
                _log.error("neo4j_panicked", pid=self._running.pid)
            else:
                continue
            if time.monotonic() - started > LONGEST_PAUSE_S:
                pause = FIRST_PAUSE_S
            while not self._started_again():
                if self._ending.wait(pause):
                    return
                pause = min(2 * pause, LONGEST_PAUSE_S)
            started = time.monotonic()

    def _started_again(self) -> bool:
        begun = time.monotonic()
        try:
            self._running.stop()  # also what its end left behind
            self._running = server.start(self._settings, port=self._running.state.port)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
            _log.error("neo4j_not_started", error=str(error))
            return False
        seconds = round(time.monotonic() - begun, 1)
        _log.warning("neo4j_started_again", pid=self._running.pid, seconds=seconds)
        return True
