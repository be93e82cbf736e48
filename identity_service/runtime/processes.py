"""Processes that outlive the memory of who started them."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

# psutil comes with the extra `local`: it is imported where it is used, so that the command line
# also loads without it.
if TYPE_CHECKING:
    import psutil

# A clock that is set again moves every start time a little.
START_TIME_TOLERANCE_S = 5.0


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process id with its start time (seconds since 1970), so that a reused id is not it."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> ProcessId | None:
        """The process that has this id now, if there is one."""
        import psutil

        try:
            return cls(pid, psutil.Process(pid).create_time())
        except psutil.NoSuchProcess:
            return None

    def is_alive(self) -> bool:
        """Whether this very process still runs."""
        return self._handle() is not None

    def listening(self) -> list[int]:
        """The TCP ports that it listens on."""
        import psutil

        process = self._handle()
        try:
            connections = [] if process is None else process.net_connections("tcp")
        except psutil.NoSuchProcess:
            return []
        return [each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN]

    def yield_to_others(self, niceness: int) -> None:
        """Have all its threads, and those that they make, be at least so nice (0 to 19)."""
        process = self._handle()
        for thread in () if process is None else process.threads():
            with suppress(ProcessLookupError):
                now = os.getpriority(os.PRIO_PROCESS, thread.id)
                os.setpriority(os.PRIO_PROCESS, thread.id, max(now, niceness))

    def end(self, grace: float) -> None:
        """Ask it to stop, wait `grace` seconds, then kill it. Returns when it is gone."""
        import psutil

        process = self._handle()
        if process is None:
            return
        try:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(grace)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait()
        except psutil.NoSuchProcess:
            return

    def _handle(self) -> psutil.Process | None:
        import psutil

        try:
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
            same = abs(process.create_time() - self.started) < START_TIME_TOLERANCE_S
        except psutil.NoSuchProcess:
            return None
        return process if same else None
