"""Segment's and RudderStack's tracking API over HTTP.

The busiest routes of the service: plain ASGI, and work only where a request needs it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import suppress
from functools import partial
from typing import Final, TypeAlias, TypeVar
from urllib.parse import parse_qsl
from uuid import uuid4

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from identity_service.api.problems import problem
from identity_service.api.state import services_of
from identity_service.collect.body import MAX_WIRE_BYTES, decode_body
from identity_service.collect.keys import write_key
from identity_service.collect.segment import Collected, read_batch, read_call
from identity_service.errors import TooLarge, Unauthorised
from identity_service.services.kit.clock import Clock, system_clock
from identity_service.services.spaces.access import Access, Sender

T = TypeVar("T")

Reader: TypeAlias = Callable[[object, int, Callable[[], str]], Collected]
"""Reads a decoded body, received at a time, as the calls of one route; it may make ids."""

PREFIX: Final = "/v1"
"""Where all routes of the tracking API are, each one name below it."""

SUCCESS: Final = b'{"success":true}'

METHODS: Final = "POST, OPTIONS"

LARGE_BODY: Final = 256 * 1024
"""From here on a body is read in a thread, and other requests go on meanwhile."""

LARGE_GZIP: Final = 4 * 1024
"""As `LARGE_BODY`, for gzip: what it holds can be a thousand times as long."""

LINGER_BYTES: Final = 64 * 1024 * 1024
LINGER_S: Final = 10
"""How much of a body that is too large is still read, and dropped.

Most senders look for an answer only when they have sent everything; cut off before, they see a
broken connection and send it all again.
"""


def tracking_api(clock: Clock = system_clock) -> Collection:
    """The tracking API: every kind of call under its long and its short name, and batches."""
    readers: dict[str, Reader] = {"batch": read_batch, "b": read_batch}
    for kind in ("track", "identify", "page", "screen", "group", "alias"):
        readers[kind] = readers[kind[0]] = partial(read_call, kind)
    readers["merge"] = partial(read_call, "merge")
    return Collection({f"{PREFIX}/{name}": read for name, read in readers.items()}, clock)


class Collection:
    """Takes POSTs at the paths of `readers`: 200 when their events are durable and resolved."""

    def __init__(self, readers: Mapping[str, Reader], clock: Clock) -> None:
        self._readers = readers
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever becomes of it."""
        headers = {
            name.decode("latin-1"): text.decode("latin-1") for name, text in scope["headers"]
        }
        shared = _shared_with(headers.get("origin"))
        try:
            read = self._readers.get(scope["path"])
            if read is None:
                raise HTTPException(404)
            if scope["method"] == "OPTIONS":
                await _send(send, 204, {**_preflight(headers), **shared}, b"")
                return
            if scope["method"] != "POST":
                raise HTTPException(405, headers={"Allow": METHODS})
            await self._take(scope, headers, receive, read)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - every answer needs what a browser must see
            answer = problem(error)
            answer.headers.update(shared)
            if isinstance(error, TooLarge):
                answer.headers["Connection"] = "close"
            await answer(scope, receive, send)
        else:
            await _send(send, 200, {"content-type": "application/json", **shared}, SUCCESS)

    async def _take(
        self, scope: Scope, headers: Mapping[str, str], receive: Receive, read: Reader
    ) -> None:
        services = services_of(scope)
        raw = await _read_body(headers, receive)
        received_at = self._clock()
        large = len(raw) > (LARGE_GZIP if raw.startswith(b"\x1f\x8b") else LARGE_BODY)
        threads = services.threads if large else None
        body = await _run(threads, partial(decode_body, raw))
        sender = await _sender(services.access, headers, scope["query_string"], body)
        collected = await _run(threads, partial(read, body, received_at, _new_message_id))
        await services.ingest.take(sender, collected, received_at)


def _new_message_id() -> str:
    return f"msg_{uuid4().hex}"


async def _sender(access: Access, headers: Mapping[str, str], query: bytes, body: object) -> Sender:
    """The source that sent the request. Raises Unauthorised."""
    parameters = dict(parse_qsl(query.decode("latin-1"))) if query else {}
    key = write_key(headers, parameters, body)
    sender = access.sender(await access.authenticate(key))
    if sender is None:
        raise Unauthorised(
            "The write key is not known." if key else "There is no write key.",
            remedy="Send a source's write key as the user name of Basic authorization, as writeKey"
            " in the body or the query, as X-Write-Key, or as a Bearer token.",
        )
    return sender


async def _read_body(headers: Mapping[str, str], receive: Receive) -> bytes:
    """The body as sent. Raises TooLarge beyond `MAX_WIRE_BYTES`, and ClientDisconnect."""
    declared = headers.get("content-length", "")
    if "expect" in headers and declared.isdecimal() and int(declared) > MAX_WIRE_BYTES:
        raise _too_large()  # before the sender, who waits for leave to send, is given it
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        chunk, more = await _read_chunk(receive)
        size += len(chunk)
        if size > MAX_WIRE_BYTES:
            chunks.clear()
            await _drop_rest(receive, more)
            raise _too_large()
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _drop_rest(receive: Receive, more: bool) -> None:
    dropped = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_S):
            while more and dropped < LINGER_BYTES:
                chunk, more = await _read_chunk(receive)
                dropped += len(chunk)


async def _read_chunk(receive: Receive) -> tuple[bytes, bool]:
    """A piece of the body, and whether there is more."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message.get("body", b""), message.get("more_body", False)


def _too_large() -> TooLarge:
    return TooLarge(
        f"The body has more than {MAX_WIRE_BYTES:,} bytes.", remedy="Send smaller batches."
    )


async def _run(threads: Executor | None, read: Callable[[], T]) -> T:
    """The result of `read`, from a thread where there are any for it."""
    if threads is None:
        return read()
    return await asyncio.get_running_loop().run_in_executor(threads, read)


def _shared_with(origin: str | None) -> dict[str, str]:
    """The headers that let a page of that origin read an answer.

    Credentials are allowed since beacons always send them. The service sets no cookie and reads
    none, so this gives nothing away.
    """
    if origin is None:
        return {}
    return {
        "access-control-allow-origin": origin,
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "Retry-After",
        "vary": "Origin",
    }


def _preflight(headers: Mapping[str, str]) -> dict[str, str]:
    """The answer to a browser that asks before it sends: any header will do, for a day."""
    return {
        "allow": METHODS,
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": headers.get("access-control-request-headers", ""),
        "access-control-max-age": "86400",
    }


async def _send(send: Send, status: int, headers: Mapping[str, str], body: bytes) -> None:
    raw = [(name.encode("latin-1"), text.encode("latin-1")) for name, text in headers.items()]
    if body:
        raw.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
