"""A Maven repository on loopback with three small jars, and a lock that names them."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Generator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from identity_service.runtime.lock import Jar


class Repository:
    """What it serves lies in `root`; `requests` are the paths of jars that were asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.requests: list[str] = []
        self.pause = threading.Event()
        self.pause.set()
        self.jars = tuple(self._publish(name) for name in ("one", "two", "three"))

    def path(self, jar: Jar) -> Path:
        """Where it keeps a jar."""
        group, artifact, version = jar.coordinate.split(":")
        return self.root / group.replace(".", "/") / artifact / version / jar.filename

    def _publish(self, name: str) -> Jar:
        content = os.urandom(50_000)
        digest = hashlib.sha256(content).hexdigest()
        jar = Jar(f"org.example:{name}:1.0", digest, len(content))
        self.path(jar).parent.mkdir(parents=True)
        self.path(jar).write_bytes(content)
        return jar


class Handler(SimpleHTTPRequestHandler):
    def __init__(self, repository: Repository, *args: object) -> None:
        self.repository = repository
        super().__init__(*args, directory=str(repository.root))  # type: ignore[arg-type]

    def do_GET(self) -> None:
        if self.path.endswith(".jar"):
            self.repository.requests.append(self.path)
            self.repository.pause.wait(30)
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002, ARG002
        return


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Repository]:
    """Serves until the end of the test; jgo's configuration names it instead of its default."""
    served = Repository(tmp_path / "repository")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, served))
    configuration = tmp_path / "jgo.conf"
    configuration.write_text(
        f"[repositories]\ncentral = http://127.0.0.1:{server.server_port}\n", encoding="utf-8"
    )
    monkeypatch.setenv("JGO_CONFIG_FILE", str(configuration))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield served
    served.pause.set()
    server.shutdown()
    server.server_close()
    thread.join()
