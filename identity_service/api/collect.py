"""The APIs of senders over HTTP: Segment's, and those that say the same in other words.

The busiest routes of the service: plain ASGI, and work only where a request needs it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias, TypeVar
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from identity_service.api.incoming import IncomingBody, check_declared, new_message_id
from identity_service.api.problems import problem
from identity_service.api.state import services_of
from identity_service.collect import customerio, mparticle, posthog, snowplow
from identity_service.collect.body import (
    MAX_UNKNOWN_BYTES,
    MAX_WIRE_BYTES,
    PACKED,
    beginning,
    decode_json,
    end,
    unpack_body,
)
from identity_service.collect.gc_pause import gc_paused
from identity_service.collect.keys import (
    WRITE_KEY,
    KeyInside,
    KeysOutside,
    first_key_in,
    keys_outside,
    last_key_in,
)
from identity_service.collect.segment import Collected, read_batch, read_call
from identity_service.errors import Overloaded, TooLarge, TooSlow, Unauthorised, Unavailable
from identity_service.services.kit.clock import Clock, system_clock
from identity_service.services.spaces.access import Access, Sender

T = TypeVar("T")

Reader: TypeAlias = Callable[[object, int, Callable[[], str]], Collected]
"""Reads a decoded body, received at a time, as the calls of one route; it may make ids."""

PREFIX: Final = "/v1"
"""Where Segment's and RudderStack's calls go, each kind one name below it."""

BEACON: Final = "/beacon/v1"
"""Where RudderStack's browser SDK sends its batch when a page closes."""

JITSU: Final = ("/api/s", "/api/s/s2s")
"""Where Jitsu's calls go from pages and from servers, each kind one name below it."""

MPARTICLE: Final = "/v2"
"""Where mParticle's Events API is."""

CUSTOMERIO: Final = ("/api/v1/", "/api/v2/")
"""Where Customer.io's Track API is, with more than one name below."""

SNOWPLOW: Final = "/com.snowplowanalytics.snowplow"
"""Where Snowplow's trackers POST. They GET `PIXELS`."""

PIXELS: Final = "/i"

POSTHOG: Final = ("/batch", "/e", "/capture", "/i/v0/e")
"""Where PostHog's SDKs send events; like its other routes, also with a slash at the end."""

POSTHOG_V1: Final = "/i/v1/analytics/events"
"""Where newer ones do, who want an answer for each event."""

POSTHOG_FLAGS: Final = "/flags"

_OF_POSTHOG: Final = frozenset(
    f"{path}{slash}" for path in (*POSTHOG, POSTHOG_V1, POSTHOG_FLAGS) for slash in ("", "/")
)

_PREFIXES: Final = frozenset({PREFIX, BEACON, *JITSU, MPARTICLE, SNOWPLOW})

KINDS: Final = ("track", "identify", "page", "screen", "group", "alias")
"""The kinds of calls that all SDKs have."""

RawHeaders: TypeAlias = tuple[tuple[bytes, bytes], ...]

SUCCESS: Final = b'{"success":true}'

PIXEL: Final = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)
"""A transparent GIF of one pixel: where an image is asked for, nothing else is a success."""

LARGE_BODY: Final = 256 * 1024
"""From here on a body is read in a thread, and other requests go on meanwhile."""

LARGE_PACKED: Final = 4 * 1024
"""From here on a body is also unpacked in a thread: it can hold a thousand times as much."""

UNKNOWN_PLACES: Final = 8
"""How many bodies of more than `MAX_UNKNOWN_BYTES` are read at once to find out who sends them."""

UNKNOWN_WAIT_S: Final = 5
"""Seconds that one more of them waits for a place."""

UNKNOWN_BODY_S: Final = 20
"""Seconds in which one that has a place has to arrive."""


@dataclass(frozen=True, slots=True)
class Route:
    """How the requests of one method at one address are read, and answered once all is done.

    `may_be_empty`: no body means an object without fields. A GET brings its query instead.
    `inside`: where a body names its write key. `plain` makes JSON of an unpacked body.
    `overloaded`: the status for a sender who is to come back later.
    """

    read: Reader
    method: str = "POST"
    success: Callable[[Collected], bytes] = lambda _: SUCCESS
    media_type: bytes = b"application/json"
    may_be_empty: bool = False
    inside: KeyInside = WRITE_KEY
    plain: Callable[[bytes], bytes] = bytes
    overloaded: int = Overloaded.status

    def content(self, text: bytes, query: bytes) -> object:
        """What `read` takes, of a body and the query of its address. Raises BadInput, TooLarge."""
        if self.method == "GET":
            return dict(parse_qsl(query.decode("latin-1")))
        return {} if self.may_be_empty and not text else decode_json(self.plain(text))


def is_collected(path: str) -> bool:
    """Whether it is a path of the collection."""
    return (
        path.rpartition("/")[0] in _PREFIXES
        or path == PIXELS
        or path in _OF_POSTHOG
        or path.startswith(CUSTOMERIO)
    )


def tracking_api(clock: Clock = system_clock) -> Collection:
    """Every kind of call under its long and its short name, and batches."""
    readers: dict[str, Reader] = {f"{BEACON}/batch": read_batch}
    readers |= {f"{PREFIX}/{name}": read_batch for name in ("batch", "b")}
    readers[f"{PREFIX}/merge"] = partial(read_call, "merge")
    for kind in KINDS:
        readers |= {f"{PREFIX}/{name}": partial(read_call, kind) for name in (kind, kind[0])}
        of_jitsu = partial(read_call, kind, mixes_accounts=True)
        readers |= {f"{prefix}/{kind}": of_jitsu for prefix in JITSU}
    readers[f"{MPARTICLE}/events"] = mparticle.read_events
    readers[f"{MPARTICLE}/bulkevents"] = mparticle.read_bulk_events
    routes = {path: Route(read) for path, read in readers.items()}
    routes[f"{SNOWPLOW}/tp2"] = Route(snowplow.read_payload, inside=snowplow.APP_ID)
    routes[PIXELS] = Route(
        snowplow.read_pixel, "GET", lambda _: PIXEL, b"image/gif", inside=snowplow.APP_ID
    )
    return Collection(routes, clock)


class Collection:
    """Answers `routes`, by their paths: 200 when the events are durable and resolved."""

    def __init__(self, routes: Mapping[str, Route], clock: Clock) -> None:
        self._routes = routes
        self._clock = clock
        self._unknown_places = asyncio.Semaphore(UNKNOWN_PLACES)

    @property
    def paths(self) -> frozenset[str]:
        """Every address that is answered, but those of Customer.io."""
        return _OF_POSTHOG | self._routes.keys()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever becomes of it."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        shared = shared_with(headers.get(b"origin"))
        route = None
        try:
            route = self._route(scope, headers)
            if scope["method"] == "OPTIONS":
                await send_answer(send, 204, [*preflight(headers, route.method), *shared], b"")
                return
            if scope["method"] != route.method:
                raise HTTPException(405, headers={"Allow": f"{route.method}, OPTIONS"})
            collected = await self._take(scope, headers, receive, route)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - every answer needs what a browser must see
            answer = problem(error)
            answer.raw_headers.extend(shared)
            if isinstance(error, TooLarge | TooSlow):
                answer.headers["Connection"] = "close"
            if route is not None and isinstance(error, Overloaded):
                answer.status_code = route.overloaded
            await answer(scope, receive, send)
        else:
            body = route.success(collected)
            content = (b"content-type", route.media_type), (b"content-length", b"%d" % len(body))
            await send_answer(send, 200, [*content, *shared], body)

    def _route(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Route:
        """Raises HTTPException where there is none."""
        path: str = scope["path"]
        if path in _OF_POSTHOG:
            return _route_of_posthog(path.rstrip("/"), headers, scope["query_string"])
        return self._routes.get(path) or _route_of_customerio(scope)

    async def _take(
        self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, route: Route
    ) -> Collected:
        """Have written what a request brings, and return it."""
        check_declared(headers, MAX_WIRE_BYTES)
        services = services_of(scope)
        access = services.access
        keys = keys_outside(headers, scope["query_string"])
        incoming = IncomingBody(receive)
        key = keys.write_key(None)
        sender = await _sender(access, key)
        if sender is None:
            if keys.basic is not None:
                raise _unauthorised(key)
            key, sender = await self._sender_inside(scope, keys, incoming, route)
        raw = await incoming.whole(MAX_WIRE_BYTES)
        services.rate_limit.check(sender)
        received_at = self._clock()

        def read_text(text: bytes) -> tuple[str | None, Collected]:
            body = route.content(text, scope["query_string"])
            collected = route.read(body, received_at, new_message_id)
            return keys.write_key(body, route.inside), collected

        inside, collected = await _run(services.threads, raw, read_text)
        if inside != key:
            sender = await require_sender(access, inside)
            services.rate_limit.check(sender)
        services.rate_limit.count(sender, len(collected.events) + len(collected.rejections))
        if collected.events or collected.rejections:
            await services.ingest.take(sender, collected, received_at)
        return collected

    async def _sender_inside(
        self, scope: Scope, keys: KeysOutside, incoming: IncomingBody, route: Route
    ) -> tuple[str | None, Sender]:
        """The key and the source of a request that only its body names, from the body's beginning.

        Nothing beyond that is read or unpacked for somebody who may be nobody, and nothing that is
        longer is decoded; but where an SDK writes its key last, `_sender_at_end` reads on. Raises
        Unauthorised, TooLarge, BadInput, and ClientDisconnect.
        """
        access = services_of(scope).access
        begun = beginning(await incoming.read(MAX_UNKNOWN_BYTES))
        key = first_key_in(begun, route.inside)
        sender = await _sender(access, key)
        if sender is not None:
            return key, sender
        raw = await incoming.read(MAX_UNKNOWN_BYTES)
        if max(len(raw), len(begun)) > MAX_UNKNOWN_BYTES:
            if keys.other is not None:
                raise _unauthorised(keys.other)
            if route.inside.may_be_last:
                return await self._sender_at_end(scope, incoming, route)
            await incoming.drop()
            raise TooLarge(
                f"The body has more than {MAX_UNKNOWN_BYTES:,} bytes, and nothing says who sends"
                " it.",
                remedy="Send the write key in a header, in the address, or at the body's"
                " beginning.",
            )
        if raw or route.method == "GET":
            body = route.content(unpack_body(raw), scope["query_string"])
            key = keys.write_key(body, route.inside)
        else:
            key = keys.other
        return key, await require_sender(access, key)

    async def _sender_at_end(
        self, scope: Scope, incoming: IncomingBody, route: Route
    ) -> tuple[str | None, Sender]:
        """The key and the source of a large body that may name them behind all its events.

        Of `UNKNOWN_PLACES` bodies at once, up to 10 MB are held as they were sent and, where they
        are packed, unpacked in a thread, of which no more than the end is kept. Nothing is decoded,
        so strangers cost no more memory than that, and no more time than unpacking 10 MB. Raises
        Overloaded where no place gets free, TooSlow, TooLarge, BadInput, Unauthorised and
        ClientDisconnect.
        """
        try:
            async with asyncio.timeout(UNKNOWN_WAIT_S):
                await self._unknown_places.acquire()
        except TimeoutError:
            raise Overloaded("Too many large bodies arrive whose sender is not known.") from None
        services = services_of(scope)
        try:
            raw = await _whole_soon(incoming)
            last = await asyncio.get_running_loop().run_in_executor(services.threads, end, raw)
            key = last_key_in(last, route.inside)
            return key, await require_sender(services.access, key)
        finally:
            self._unknown_places.release()


def _route_of_customerio(scope: Scope) -> Route:
    """Raises HTTPException where Customer.io has no such route."""
    path = scope["raw_path"].decode("latin-1")
    read = customerio.reader_of(scope["method"], path)
    if read is None:
        methods = customerio.methods_of(path)
        if methods:
            raise HTTPException(405, headers={"Allow": ", ".join(methods)})
        raise HTTPException(404)
    return Route(read, scope["method"], may_be_empty=True)


def _route_of_posthog(path: str, headers: Mapping[bytes, bytes], query: bytes) -> Route:
    """`path` has no slash at its end."""
    if path == POSTHOG_V1:
        sdk, _, _ = headers.get(b"posthog-sdk-info", b"").decode("latin-1").partition("/")
        sent_at = headers.get(b"posthog-request-timestamp", b"").decode("latin-1")
        read = partial(posthog.read_events, sent_at=sent_at, sdk=sdk or posthog.PYTHON)
        # Its SDK gives events up at 429, and sends them again at 503.
        return Route(read, success=posthog.results, overloaded=Unavailable.status)
    if path == POSTHOG_FLAGS:
        return _POSTHOG_FLAGS
    sent_at = dict(parse_qsl(query.decode("latin-1"))).get("_")
    read = partial(posthog.read_events, sent_at=sent_at)
    return Route(read, inside=posthog.KEY, plain=posthog.plain)


_POSTHOG_FLAGS: Final = Route(
    posthog.read_flags, success=lambda _: posthog.FLAGS, inside=posthog.KEY, plain=posthog.plain
)


async def _sender(access: Access, key: str | None) -> Sender | None:
    """The source with that write key; None where there is none."""
    return access.sender(await access.authenticate(key))


async def require_sender(access: Access, key: str | None) -> Sender:
    """The source with that write key. Raises Unauthorised."""
    sender = await _sender(access, key)
    if sender is None:
        raise _unauthorised(key)
    return sender


def _unauthorised(key: str | None) -> Unauthorised:
    return Unauthorised(
        "The write key is not known." if key else "There is no write key.",
        remedy="Send a source's write key as the user name of Basic authorization, as writeKey"
        " (PostHog: api_key) in the body, as writeKey in the query, as X-Write-Key, or as a Bearer"
        " token.",
    )


async def _whole_soon(incoming: IncomingBody) -> bytes:
    """All of it. Raises TooLarge, and TooSlow after `UNKNOWN_BODY_S`."""
    try:
        async with asyncio.timeout(UNKNOWN_BODY_S):
            return await incoming.whole(MAX_WIRE_BYTES)
    except TimeoutError:
        raise TooSlow("body", UNKNOWN_BODY_S) from None


async def _run(threads: Executor, raw: bytes, read: Callable[[bytes], T]) -> T:
    """The result of reading a body; where it is large, from a thread, without the collector."""
    if len(raw) <= (LARGE_PACKED if raw.startswith(PACKED) else LARGE_BODY):
        text = unpack_body(raw)
        if len(text) <= LARGE_BODY:
            return read(text)

    def read_aside() -> T:
        with gc_paused():
            return read(unpack_body(raw))

    return await asyncio.get_running_loop().run_in_executor(threads, read_aside)


def shared_with(origin: bytes | None) -> RawHeaders:
    """The headers that let a page of that origin read an answer.

    Credentials are allowed since beacons always send them. The service sets no cookie and reads
    none, so this gives nothing away.
    """
    if origin is None:
        return ()
    return (
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", b"Retry-After"),
        (b"vary", b"Origin"),
    )


def preflight(headers: Mapping[bytes, bytes], method: str) -> RawHeaders:
    """The answer to a browser that asks before it uses a method: any header will do, for a day."""
    return (
        (b"allow", f"{method}, OPTIONS".encode()),
        (b"access-control-allow-methods", method.encode()),
        (
            b"access-control-allow-headers",
            headers.get(b"access-control-request-headers", b""),
        ),
        (b"access-control-max-age", b"86400"),
    )


async def send_answer(
    send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    """Send a whole answer."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
