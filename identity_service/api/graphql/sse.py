"""Subscriptions as server-sent events, one operation for each connection.

This is the “distinct connections mode” of GraphQL over server-sent events: events `next`, each
with an answer, and `complete`. What can be resumed has its cursor as the `id` of the event; a
client that comes back with that in `Last-Event-ID` goes on after it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import AbstractContextManager
from typing import Any, Final

import orjson
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from identity_service.api.graphql.execution import Response, failed
from identity_service.api.graphql.requests import Answer
from identity_service.api.graphql.streams import NO_LONGER_VALID, Streams
from identity_service.api.graphql.subscriptions import cursor_of_event

MEDIA_TYPE: Final = "text/event-stream"

KEEP_ALIVE_S: Final = 15.0
"""Seconds of silence after which a comment says that the connection is alive."""

_COMMENT: Final = b":\n\n"
_COMPLETE: Final = b"event: complete\ndata:\n\n"


class EventStream(StreamingResponse):
    """The answers to one operation, at a `place` that is taken before the first of them.

    Ends without `complete` when the service does, so that the client comes back.
    """

    def __init__(
        self,
        responses: AsyncGenerator[Response],
        streams: Streams,
        key: str | None,
        place: AbstractContextManager[None],
    ) -> None:
        # The second header: a proxy that gathers would hold back what is to come at once.
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(self._chunks(), headers=headers, media_type=MEDIA_TYPE)
        self._responses = responses
        self._streams = streams
        self._key = key
        self._place = place
        self._beside: dict[str, asyncio.Future[Any]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, until the client leaves or there is nothing more."""
        with self._place:
            self._start("ended", self._streams.wait_for_end())
            self._start("refused", self._streams.wait_while_valid(self._key))
            try:
                await super().__call__(scope, receive, send)
            finally:
                # Here and not in the body, which is left where it stands when the client leaves.
                for task in self._beside.values():
                    task.cancel()
                await asyncio.wait(self._beside.values())
                await self._responses.aclose()

    def _start(self, name: str, work: Awaitable[Any]) -> asyncio.Future[Any]:
        task = self._beside[name] = asyncio.ensure_future(work)
        return task

    async def _chunks(self) -> AsyncGenerator[bytes]:
        yield _COMMENT
        while True:
            upcoming = self._start("upcoming", anext(self._responses, None))
            while not upcoming.done():
                done, _ = await asyncio.wait(
                    self._beside.values(),
                    timeout=KEEP_ALIVE_S,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if self._beside["ended"] in done:
                    return
                if self._beside["refused"] in done:
                    yield _next(failed(NO_LONGER_VALID)) + _COMPLETE
                    return
                if not done:
                    yield _COMMENT
            response: Response | None = upcoming.result()
            if response is None:
                yield _COMPLETE
                return
            yield _next(response.answer, cursor_of_event(response.event))


def _next(answer: Answer, cursor: str | None = None) -> bytes:
    identified = b"id: %b\n" % cursor.encode() if cursor else b""
    return b"%bevent: next\ndata: %b\n\n" % (identified, orjson.dumps(answer))
