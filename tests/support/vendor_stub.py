"""A destination on loopback: a real HTTP server that answers as a test says."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Asked:
    """A request that came. Names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Said:
    """An answer. `hangs_up`: the connection is closed after the request was read, without one."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    hangs_up: bool = False


Answering: TypeAlias = Callable[[Asked], Said]


@dataclass
class VendorStub:
    """A vendor: what it answers, and what it was asked."""

    url: str
    answer: Answering
    asked: list[Asked] = field(default_factory=list[Asked])
    open_now: int = 0
    most_open: int = 0
    lock: Lock = field(default_factory=Lock)

    @property
    def paths(self) -> list[str]:
        """What was asked, as `METHOD PATH`."""
        return [f"{each.method} {each.path}" for each in self.asked]


@contextmanager
def vendor_stub(answer: Answering) -> Generator[VendorStub]:
    """A vendor that answers while the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            with stub.lock:
                stub.open_now += 1
                stub.most_open = max(stub.most_open, stub.open_now)
            try:
                self._exchange()
            finally:
                with stub.lock:
                    stub.open_now -= 1

        def _exchange(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, headers, body)
            with stub.lock:
                stub.asked.append(asked)
                said = stub.answer(asked)
            if said.hangs_up:
                self.close_connection = True
                return
            text = said.body if isinstance(said.body, str) else json.dumps(said.body)
            encoded = b"" if said.body is None else text.encode()
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(encoded)))
            self.end_headers()
            self.wfile.write(encoded)

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - the library's names

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        stub = VendorStub(f"http://127.0.0.1:{server.server_port}", answer)
        thread = Thread(target=server.serve_forever, args=(0.02,), name="vendor")
        thread.start()
        try:
            yield stub
        finally:
            server.shutdown()
            thread.join()
