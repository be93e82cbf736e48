"""HTTP on one connection, with limits on how long a client may take and on how many there are.

uvicorn reads requests; it waits for ever for one that never ends. Here each part of a request has
its time, so that clients that send little by little, or nothing, cannot use up the connections
and file descriptors of the process.
"""

from __future__ import annotations

import asyncio
import resource
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from identity_service.api.problems import problem
from identity_service.api.request_id import HEADER, request_id
from identity_service.errors import IdentityServiceError, Overloaded, TooLarge, TooSlow

if TYPE_CHECKING:
    from identity_service.api.state import State

SPARE_FILES: Final = 256
"""File descriptors that are kept for other things than clients: the database, logs, files."""

MAX_HEAD: Final = 64 * 1024
"""Bytes of a head that comes in pieces: the parser keeps all of it."""

_MOST_FILES: Final = 65_536
"""What the limit is raised to where the system sets none."""

_RETRY_AFTER_S: Final = 5


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """Seconds for a request's head and its body, and the most connections of this process.

    `body_timeout` is also how long a client may take nothing of an answer.
    """

    head_timeout: float
    body_timeout: float
    max_connections: int


class _Part(Enum):
    """What of a request has not arrived whole."""

    HEAD = auto()
    BODY = auto()


class HttpProtocol(HttpToolsProtocol):
    """HTTP as uvicorn has it, within `ClientLimits`.

    Answers that have no end of their own end with the service. The lifespan's shutdown comes too
    late for that: uvicorn waits for all answers before it.
    """

    _limits: ClientLimits
    _missing: _Part | None = None
    _head_size: int = 0
    _timer: asyncio.TimerHandle | None = None
    _stall_timer: asyncio.TimerHandle | None = None

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there; one too many is sent away."""
        super().connection_made(cast("asyncio.Transport", _WholeAnswers(transport, self.loop)))
        self._limits = cast("State", self.app_state)["client_limits"]
        if len(self.connections) > self._limits.max_connections:
            self._refuse(
                Overloaded(
                    f"{self._limits.max_connections:,} connections are open, as many as may be.",
                    retry_after=_RETRY_AFTER_S,
                )
            )
        else:
            self._expect(self._limits.head_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._expect(None)
        self.resume_writing()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """From now on the connection is a WebSocket's."""
        self._missing = None
        self._expect(None)
        self.transport = cast("_WholeAnswers", self.transport).unwrapped()
        super().handle_websocket_upgrade()

    def shutdown(self) -> None:
        """The service has to end."""
        super().shutdown()
        cast("State", self.app_state)["graphql"].streams.end()

    # The request

    def data_received(self, data: bytes) -> None:
        """A piece of one or more requests. Most hold a whole one, and need no timer."""
        if self._missing is _Part.HEAD:
            self._head_size += len(data)
        super().data_received(data)
        if self._missing is None or self.transport.is_closing():
            return
        is_head = self._missing is _Part.HEAD
        if is_head and self._head_size > MAX_HEAD:
            self._refuse(TooLarge(f"The head has more than {MAX_HEAD:,} bytes."))
        elif self._timer is None:
            self._expect(self._limits.head_timeout if is_head else self._limits.body_timeout)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._missing = _Part.HEAD
        self._head_size = 0

    def on_headers_complete(self) -> None:
        """Its head is there."""
        super().on_headers_complete()
        self._missing = _Part.BODY
        self._expect(None)

    def on_message_complete(self) -> None:
        """All of it is there."""
        super().on_message_complete()
        self._missing = None
        self._expect(None)

    def _expect(self, seconds: float | None) -> None:
        """Wait so long for what is missing; None: wait for nothing."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds is not None:
            self._timer = self.loop.call_later(seconds, self._give_up)

    def _give_up(self) -> None:
        """What was waited for has not come."""
        self._timer = None
        if self.transport.is_closing():
            return
        if self._missing is _Part.HEAD and self._answers:
            self._expect(self._limits.head_timeout)  # the client waits for us, not we for it
        elif self._missing is _Part.HEAD:
            self._refuse(TooSlow("head", self._limits.head_timeout))
        elif self._missing is _Part.BODY and not self.cycle.response_complete:
            self._refuse(TooSlow("body", self._limits.body_timeout))
        else:  # nothing was ever sent, or nobody wants the body any more
            self.transport.close()

    # The answer

    def pause_writing(self) -> None:
        """The client takes its answer more slowly than it is made."""
        super().pause_writing()
        self._await_taker(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """The client has taken its answer."""
        super().resume_writing()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _await_taker(self, left: int) -> None:
        """Cut the client off unless it takes some of the bytes that are left in time."""

        def look() -> None:
            now_left = self.transport.get_write_buffer_size()
            if now_left < left:
                self._await_taker(now_left)
            else:
                self.cycle.disconnected = True  # so that nothing more is written into it
                self.transport.abort()

        self._stall_timer = self.loop.call_later(self._limits.body_timeout, look)

    @property
    def _answers(self) -> bool:
        """Whether an answer is on its way, to this request or to one before it."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is None or cycle.response_complete:
            return False
        return cycle.response_started or bool(self.pipeline) or self._missing is _Part.HEAD

    def _refuse(self, error: IdentityServiceError) -> None:
        """Close the connection; say why, in the place of the application, unless that answers."""
        if not self._answers:
            self._say(error)
        self.transport.close()

    def _say(self, error: IdentityServiceError) -> None:
        answer = problem(error)
        answer.headers["connection"] = "close"
        answer.raw_headers.append((HEADER, request_id(self.headers or ())))
        status = HTTPStatus(answer.status_code)
        head = [f"HTTP/1.1 {status.value} {status.phrase}".encode()]
        head += [name + b": " + value for name, value in answer.raw_headers]
        self.transport.write(b"\r\n".join([*head, b"", bytes(answer.body)]))


class _WholeAnswers:
    """A transport that sends together what is written in one turn of the event loop.

    The server writes the head of an answer by itself; sent by itself, it wakes the client for
    nothing, and costs as much as the whole answer.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._written: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Send data with the next turn of the loop."""
        if not self._written:
            self._loop.call_soon(self._send)
        self._written.append(data)

    def close(self) -> None:
        """Send what was written, then close."""
        self._send()
        self._transport.close()

    def get_write_buffer_size(self) -> int:
        """How many bytes the client has not taken."""
        return self._transport.get_write_buffer_size() + sum(map(len, self._written))

    def unwrapped(self) -> asyncio.Transport:
        """The transport itself, for a protocol that gathers what it writes."""
        self._send()
        return self._transport

    def __getattr__(self, name: str) -> Any:
        """All else as the transport has it."""
        return getattr(self._transport, name)

    def _send(self) -> None:
        if self._written:
            data = b"".join(self._written)
            self._written.clear()
            if not self._transport.is_closing():  # else the client is gone
                self._transport.write(data)


def raise_file_limit() -> None:
    """Let this process and its children open as many files as the system allows them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):  # macOS has a bound of its own, and names it nowhere
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def most_connections(wanted: int) -> int:
    """So many connections, or as many as the file descriptors of this process allow."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    return max(1, min(wanted, soft - SPARE_FILES))
