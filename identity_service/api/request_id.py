"""The id of a request, by which its sender, the answer and the log lines name the same one."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from typing import Final

from starlette.types import Message, Scope, Send
from structlog.contextvars import bind_contextvars

HEADER: Final = b"x-request-id"

_TAKEN: Final = re.compile(rb"[A-Za-z0-9._-]{1,128}")


def request_id(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The id that the sender gives, where it is 1 to 128 of `A-Z a-z 0-9 . _ -`; else a new one."""
    given = next((value for name, value in headers if name == HEADER), b"")
    return given if _TAKEN.fullmatch(given) else secrets.token_hex(16).encode()


def answered_with_id(scope: Scope, send: Send) -> Send:
    """Say the id of a request in its answer, and in what this task logs from now on."""
    named = request_id(scope["headers"])
    bind_contextvars(request_id=named.decode())

    async def send_with_id(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (HEADER, named)]
        await send(message)

    return send_with_id
