"""The service as `serve` runs it: a process of its own, with all that it starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager

import httpx

from identity_service.app import bound_socket
from identity_service.settings import Settings
from tests.support.plain_http import NO_TLS
from tests.support.waiting import wait_until

SERVE = "from identity_service.app import run; from identity_service.settings import Settings; "
PATIENCE = 120


@contextmanager
def served(
    settings: Settings, workers: int, first: str = ""
) -> Generator[tuple[subprocess.Popen[str], str]]:
    """A ready service in a process group of its own, which does `first` first; and its address."""
    with bound_socket(settings.model_copy(update={"port": 0})) as free:
        port = free.getsockname()[1]
    given = {"IDENTITY_PORT": str(port), "IDENTITY_DATA_DIR": str(settings.data_dir)}
    if settings.neo4j_uri is not None:
        password = settings.neo4j_password
        given["IDENTITY_NEO4J_URI"] = settings.neo4j_uri
        given["IDENTITY_NEO4J_USER"] = settings.neo4j_user
        given |= {"IDENTITY_NEO4J_PASSWORD": password.get_secret_value()} if password else {}
    kept = {name: text for name, text in os.environ.items() if not name.startswith("IDENTITY_")}
    process = subprocess.Popen(
        [sys.executable, "-c", f"{first}{SERVE}run(Settings(), workers={workers})"],
        env=kept | given | {"IDENTITY_NEO4J_HEAP": "256m", "IDENTITY_NEO4J_PAGE_CACHE": "64m"},
        start_new_session=True,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    address = f"http://127.0.0.1:{port}"

    def is_ready() -> bool:
        assert process.poll() is None, process.communicate()
        try:
            return httpx.get(f"{address}/readyz", timeout=10, verify=NO_TLS).is_success
        except httpx.TransportError:
            return False

    try:
        wait_until(is_ready, seconds=PATIENCE)
        yield process, address
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
