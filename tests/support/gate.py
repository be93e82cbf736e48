"""A proxy in front of a service that turns the first requests away, as one that limits rates."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Final

import httpx

from tests.support.plain_http import NO_TLS
from tests.support.service import PATIENCE, RunningService

PASSED_ON: Final = ("authorization", "content-type", "accept")


@dataclass
class Gate:
    """Where to ask instead, and when each request came."""

    url: str
    came: list[float] = field(default_factory=list[float])

    @property
    def pauses(self) -> list[float]:
        """Seconds between a request and the next."""
        return [later - earlier for earlier, later in zip(self.came, self.came[1:], strict=False)]


@contextmanager
def gate(service: RunningService, refusals: int, retry_after_s: int) -> Generator[Gate]:
    """A gate that answers so many requests with 429, and passes on those that follow."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.came.append(time.monotonic())
            body = self.rfile.read(int(self.headers["content-length"]))
            if len(made.came) <= refusals:
                page = b"<html>Too many requests</html>"
                self.send_response(429)
                self.send_header("Retry-After", str(retry_after_s))
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)
                return
            headers = {name: self.headers[name] for name in PASSED_ON if name in self.headers}
            with httpx.stream(
                "POST",
                f"{service.url}{self.path}",
                content=body,
                headers=headers,
                timeout=PATIENCE,
                verify=NO_TLS,
            ) as answer:
                self.send_response(answer.status_code)
                self.send_header("Content-Type", answer.headers["content-type"])
                self.end_headers()
                for piece in answer.iter_bytes():
                    self.wfile.write(piece)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made = Gate(f"http://127.0.0.1:{server.server_address[1]}")
    thread = Thread(target=server.serve_forever, name="gate")
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
