"""What an adapter says and hears: requests, answers, and the outcome of each operation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Protocol, TypeAlias, cast

import orjson

from identity_service.activation.records import Operation

MAX_REASON: Final = 300
"""Most characters that are kept of what a destination answered."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request to a destination, without its credentials. It tells `operations`, in order."""

    method: str
    url: str
    body: bytes
    operations: tuple[Operation, ...]
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Answer:
    """What came for a request. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""

    def json(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None

    @property
    def fields(self) -> dict[str, Any]:
        """The JSON object that the body is; none where it is something else."""
        found: object = self.json()
        return cast("dict[str, Any]", found) if isinstance(found, dict) else {}

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The objects in a list of the JSON object; none where there is no such list."""
        found: object = self.fields.get(name)
        entries = cast("list[object]", found) if isinstance(found, list) else []
        return [cast("dict[str, Any]", each) for each in entries if isinstance(each, dict)]

    @property
    def said(self) -> str:
        """Status and body in short."""
        text = " ".join(self.body.decode(errors="replace").split())[:MAX_REASON]
        return f"{self.status} {text}".strip()


@dataclass(frozen=True, slots=True)
class Done:
    """The destination holds it."""


@dataclass(frozen=True, slots=True)
class Later:
    """Not now; `after_s` seconds from now at the earliest, None where nothing was said.

    `of_all`: nothing else would be taken either; `too_much`: since too much was sent.
    """

    reason: str
    after_s: float | None = None
    of_all: bool = False
    too_much: bool = False


@dataclass(frozen=True, slots=True)
class Never:
    """Refused: the same will be refused again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows whether the destination took it."""

    reason: str


@dataclass(frozen=True, slots=True)
class RefusedTogether:
    """The whole request was refused, for the sake of one of its operations or of all."""

    reason: str


@dataclass(frozen=True, slots=True)
class NoAccess:
    """The credentials are not good for this: nothing else is sent until somebody looks at it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Follow:
    """It takes one more request."""

    request: Request


Outcome: TypeAlias = Done | Later | Never | Unknown | RefusedTogether | NoAccess | Follow
Outcomes: TypeAlias = Mapping[str, Outcome]
"""By the id of the operation."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How much a destination takes: operations for a pass, connections, and requests a second."""

    operations: int
    connections: int
    requests_per_s: float


class Adapter(Protocol):
    """A vendor. Pure: it opens no connection and knows no secret but in `credentials`."""

    @property
    def pace(self) -> Pace:
        """How much the vendor takes."""
        ...

    def unsendable(self, operation: Operation) -> str | None:
        """Why the vendor could never take an operation; None where it might."""
        ...

    def requests(self, operations: Sequence[Operation]) -> Sequence[Request]:
        """Requests that tell all of the operations, within the vendor's bounds."""
        ...

    def outcomes(self, request: Request, answer: Answer) -> Outcomes:
        """What became of each operation of a request."""
        ...

    def credentials(
        self, secrets: Mapping[str, str], request: Request, now_s: int
    ) -> Mapping[str, str]:
        """The headers that prove who sends a request."""
        ...


def all_of(request: Request, outcome: Outcome) -> Outcomes:
    """The same outcome for each operation of a request."""
    return {each.id: outcome for each in request.operations}


def by_status(answer: Answer) -> Outcome:
    """What a status says of a whole request where the vendor says nothing more."""
    match answer.status:
        case status if 200 <= status < 300:
            return Done()
        case 401 | 403:
            return NoAccess(answer.said)
        case 429:
            return Later(answer.said, of_all=True, too_much=True)
        case 502 | 504:  # of what stands before the destination: it may have taken the request
            return Unknown(answer.said)
        case status if status in (408, 425) or status >= 500:
            return Later(answer.said, of_all=True)
        case status if 300 <= status < 400:
            return Never(f"{status}: redirects are not followed")
        case _:
            return RefusedTogether(answer.said)


def failed_at(request: Request, failures: Iterable[tuple[int, str]]) -> Outcomes:
    """DONE for all operations of a request but those that failed, by their place in it."""
    outcomes: dict[str, Outcome] = dict(all_of(request, Done()))
    for place, reason in failures:
        if 0 <= place < len(request.operations):
            outcomes[request.operations[place].id] = Never(reason[:MAX_REASON])
    return outcomes


def waiting_time(answer: Answer, now_s: float) -> float | None:
    """For how many seconds an answer asks to wait; None where it does not say so.

    `Retry-After` in seconds or as an HTTP date, Braze's `X-Ratelimit-Retry-After`, else
    `X-RateLimit-Reset` in seconds since 1970, or in seconds that are left.
    """
    asked = answer.headers.get("retry-after") or answer.headers.get("x-ratelimit-retry-after")
    if asked is not None:
        return _seconds(asked) if _seconds(asked) is not None else _until(asked, now_s)
    reset = _seconds(answer.headers.get("x-ratelimit-reset", ""))
    if reset is None:
        return None
    return max(reset - now_s, 0.0) if reset > _IS_A_TIME else reset


def json_request(
    url: str, body: Any, operations: Iterable[Operation], method: str = "POST"
) -> Request:
    """A request with a JSON body."""
    headers = {"Content-Type": "application/json"}
    return Request(method, url, orjson.dumps(body), tuple(operations), headers)


def batches(
    items: Iterable[tuple[Operation, Any]], most: int, most_bytes: int
) -> Iterator[list[tuple[Operation, Any]]]:
    """Items in batches of at most `most`, whose JSON has at most `most_bytes` together.

    One that is larger by itself is a batch by itself.
    """
    batch: list[tuple[Operation, Any]] = []
    size = 0
    for item in items:
        length = len(orjson.dumps(item[1])) + 1
        if batch and (len(batch) == most or size + length > most_bytes):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += length
    if batch:
        yield batch


def batched_requests(
    url: str,
    items: Iterable[tuple[Operation, Any]],
    most: int,
    most_bytes: int,
    envelope: Callable[[list[Any]], Any],
) -> list[Request]:
    """A POST for each batch, whose body is what `envelope` makes of the batch's items."""
    return [
        json_request(
            url, envelope([item for _, item in batch]), [operation for operation, _ in batch]
        )
        for batch in batches(items, most, most_bytes - _ENVELOPE_BYTES)
    ]


_IS_A_TIME: Final = 1_000_000_000
_ENVELOPE_BYTES: Final = 256
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")


def _seconds(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text.strip()) else None


def _until(text: str, now_s: float) -> float | None:
    try:
        then = parsedate_to_datetime(text)
    except ValueError:
        return None
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max((then - datetime.fromtimestamp(now_s, UTC)).total_seconds(), 0.0)
