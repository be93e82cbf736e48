"""The way to a destination: over HTTP, into a table, or into files."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol

import httpx2
import orjson
import structlog

from identity_service.activation.exchange import (
    Adapter,
    Answer,
    Later,
    NoAccess,
    Outcome,
    Outcomes,
    Pace,
    Request,
    Unknown,
    all_of,
    waiting_time,
)
from identity_service.activation.records import Operation
from identity_service.services.activation.guard import AddressGuard, AddressRefused
from identity_service.services.kit.clock import Clock

TIMEOUT_S: Final = 30.0
EXCHANGE_TIMEOUT_S: Final = 120.0
"""Seconds without anything from the destination, and for an exchange as a whole."""

MAX_ANSWER_BYTES: Final = 8 * 1024 * 1024
MAX_SHOWN: Final = 16 * 1024
"""Most characters of the body of a request that a dead letter shows."""

_log = structlog.get_logger(__name__)


class Channel(Protocol):
    """What a destination's operations go through. To be closed."""

    @property
    def pace(self) -> Pace:
        """How much it takes."""
        ...

    def unsendable(self, operation: Operation) -> str | None:
        """Why an operation could never be taken; None where it might."""
        ...

    def requests(self, operations: Sequence[Operation]) -> Sequence[Request]:
        """Requests that tell all of the operations. Opens no connection."""
        ...

    async def exchange(self, request: Request) -> Outcomes:
        """Send a request; what became of each of its operations. Raises nothing."""
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...


class HttpChannel:
    """An adapter's requests over HTTP. Redirects are not followed, proxies not used."""

    def __init__(
        self, adapter: Adapter, secrets: Mapping[str, str], guard: AddressGuard, clock: Clock
    ) -> None:
        self._adapter = adapter
        self._secrets = secrets
        self._guard = guard
        self._clock = clock
        self._client = httpx2.AsyncClient(
            timeout=TIMEOUT_S,
            trust_env=False,
            follow_redirects=False,
            limits=httpx2.Limits(max_connections=adapter.pace.connections),
        )

    @property
    def pace(self) -> Pace:
        """That of the vendor."""
        return self._adapter.pace

    def unsendable(self, operation: Operation) -> str | None:
        """By the vendor's own rules."""
        return self._adapter.unsendable(operation)

    def requests(self, operations: Sequence[Operation]) -> Sequence[Request]:
        """Those of the adapter."""
        return self._adapter.requests(operations)

    async def exchange(self, request: Request) -> Outcomes:
        """Send a request to the address that was checked, and read the answer."""
        now_ms = self._clock()
        try:
            async with asyncio.timeout(EXCHANGE_TIMEOUT_S):
                answer = await self._send(request, now_ms // 1_000)
        except AddressRefused as error:
            return all_of(request, NoAccess(str(error)))
        except TimeoutError:  # among the errors below, which say that nothing was sent
            return all_of(request, Unknown("no answer in time"))
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, OSError) as error:
            return all_of(request, Later(f"cannot be reached: {type(error).__name__}", of_all=True))
        except httpx2.InvalidURL:
            return all_of(request, NoAccess("the address is none"))
        except httpx2.HTTPError as error:
            return all_of(request, Unknown(f"no answer: {type(error).__name__}"))
        outcomes = self._outcomes(request, answer)
        wait_s = waiting_time(answer, now_ms / 1_000)
        return {id_: _with_wait(outcome, wait_s) for id_, outcome in outcomes.items()}

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _outcomes(self, request: Request, answer: Answer) -> Outcomes:
        try:
            return self._adapter.outcomes(request, answer)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            # Of another shape than the vendor promises; nobody knows what it did.
            _log.warning("answer_unreadable", status=answer.status, error=type(error).__name__)
            return all_of(request, Unknown(f"an answer of another shape: {answer.said}"))

    async def _send(self, request: Request, now_s: int) -> Answer:
        checked = await self._guard.checked(request.url)
        credentials = self._adapter.credentials(self._secrets, request, now_s)
        headers = {
            "User-Agent": "identity-service",
            **request.headers,
            **credentials,
            "Host": checked.host_header,
        }
        async with self._client.stream(
            request.method,
            checked.url,
            content=request.body,
            headers=headers,
            extensions={"sni_hostname": checked.host},
        ) as response:
            body = b""
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    break
            heads = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status_code, heads, body)


def hidden(text: str, secrets: Mapping[str, str]) -> str:
    """A text without the secrets that it may hold."""
    for secret in sorted((each for each in secrets.values() if each), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def shown(request: Request, secrets: Mapping[str, str]) -> dict[str, Any]:
    """A request as people read it, without secrets."""
    return {
        "method": request.method,
        "url": hidden(request.url, secrets),
        "body": hidden(request.body.decode(errors="replace"), secrets),
    }


def shown_json(requests: Iterable[Request], secrets: Mapping[str, str]) -> str:
    """Requests as people read them, in JSON; of each body the first `MAX_SHOWN` characters."""
    each_shown = (shown(each, secrets) for each in requests)
    return orjson.dumps([each | {"body": each["body"][:MAX_SHOWN]} for each in each_shown]).decode()


def _with_wait(outcome: Outcome, wait_s: float | None) -> Outcome:
    if isinstance(outcome, Later) and outcome.after_s is None:
        return replace(outcome, after_s=wait_s)
    return outcome
