"""A service as a user runs it, and what may happen to it and to its database."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx
import psutil

from identity_service.app import bound_socket
from identity_service.runtime import server
from identity_service.runtime.state import State
from identity_service.settings import Settings
from tests.support.plain_http import NO_TLS
from tests.support.waiting import wait_until

SERVE: Final = "import sys; from identity_service.cli import main; sys.exit(main(['serve']))"

STARTED_S: Final = 180
"""Seconds in which a Neo4j, or a service with one, must be there again on a busy machine."""

WELL_S: Final = 10
"""Seconds after which the service must be well once the cause is gone."""


class Serving:
    """`identity-service serve` with a Neo4j of its own, in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.settings = Settings(neo4j_uri=None, data_dir=directory / "data")
        with bound_socket(self.settings.model_copy(update={"port": 0})) as free:
            self.port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = directory / "service.log"
        self._process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        kept = {name: text for name, text in os.environ.items() if not name.startswith("IDENTITY_")}
        given = {
            "IDENTITY_PORT": str(self.port),
            "IDENTITY_DATA_DIR": str(self.settings.data_dir),
            "IDENTITY_NEO4J_HEAP": "512m",
            "IDENTITY_NEO4J_PAGE_CACHE": "128m",
        }
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-c", SERVE], env=kept | given, stdout=log, stderr=log
            )

    def is_ready(self) -> bool:
        """Whether it says that it is; fails when it has ended."""
        assert self._process.poll() is None, self.log.read_text(encoding="utf-8")
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5, verify=NO_TLS).is_success
        except httpx.TransportError:
            return False

    def until_ready(self, seconds: float) -> float:
        """Return when it is ready, with the seconds that this took; fail when it takes longer."""
        begun = time.monotonic()
        wait_until(self.is_ready, seconds=seconds)
        return time.monotonic() - begun

    def memory(self) -> int:
        """Bytes that the service's process holds; 0 while there is none."""
        try:
            return psutil.Process(self._process.pid).memory_info().rss
        except psutil.NoSuchProcess:
            return 0

    def neo4j(self) -> State | None:
        """Its Neo4j, if it answers."""
        return server.status(self.settings)

    def kill_neo4j(self, _: random.Random) -> float:
        """Kill Neo4j, which the service starts again; the seconds from then until it is well."""
        before = self._neo4j()
        os.kill(before.process.pid, signal.SIGKILL)
        wait_until(lambda: self.neo4j() not in (None, before), seconds=STARTED_S)
        return self.until_ready(WELL_S)

    def pause_neo4j(self, draw: random.Random) -> float:
        """Stop Neo4j for a while; the seconds from its going on until the service is well."""
        pid = self._neo4j().process.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            wait_until(lambda: not self.is_ready(), seconds=WELL_S)
            time.sleep(draw.uniform(0, 5))
        finally:
            os.kill(pid, signal.SIGCONT)
        return self.until_ready(WELL_S)

    def kill_service(self, _: random.Random) -> float:
        """Kill the service, with which its Neo4j ends, and start it again; seconds until well."""
        self._process.kill()
        self._process.wait()
        return self._start_again()

    def end_service(self, _: random.Random) -> float:
        """End the service as it should be, and start it again; the seconds until it is well."""
        self.end()
        return self._start_again()

    @property
    def faults(self) -> list[Callable[[random.Random], float]]:
        """All that may happen."""
        return [self.kill_neo4j, self.pause_neo4j, self.kill_service, self.end_service]

    def end(self) -> None:
        """End the service by SIGTERM; it must end well."""
        self._process.terminate()
        assert self._process.wait(STARTED_S) == 0, self.log.read_text(encoding="utf-8")

    def clear_away(self) -> None:
        """Leave nothing behind, whatever happened."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        server.stop(self.settings)

    def _start_again(self) -> float:
        self._process = self._started()
        return self.until_ready(STARTED_S)

    def _neo4j(self) -> State:
        found = self.neo4j()
        assert found is not None
        return found
