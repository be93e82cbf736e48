"""Whoever sends without a key that is known costs the service next to nothing."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from identity_service.api import collect
from identity_service.collect.body import MAX_UNKNOWN_BYTES
from tests.support.service import RunningService, Space
from tests.support.waiting import wait_until

TRACK = {"userId": "u-1", "event": "x", "messageId": "m-1"}
LISTS = gzip.compress(b'{"batch":[' + b"[]," * 22_000_000 + b"0]}")
SMALL_BOMB = gzip.compress(b"[" * MAX_UNKNOWN_BYTES * 100)


class Work:
    """What the service did with bodies: how many bytes each function was given, call by call."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.given: dict[str, list[int]] = {}
        for name in ("beginning", "end", "unpack_body", "decode_json"):
            self._watch(monkeypatch, name)

    def _watch(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        function: Callable[[bytes], Any] = getattr(collect, name)
        given = self.given[name] = []

        def watched(raw: bytes) -> Any:
            given.append(len(raw))
            return function(raw)

        monkeypatch.setattr(collect, name, watched)

    @property
    def decoded(self) -> list[int]:
        """The lengths of what was decoded or unpacked whole."""
        return [size for name in ("unpack_body", "decode_json") for size in self.given[name]]


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    """What the service, which runs in this process, does from now on."""
    return Work(monkeypatch)


def refused(answer: httpx.Response, status: int, code: str) -> bool:
    return (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("body", [LISTS, SMALL_BOMB, b'{"batch":[]}', b"no JSON at all"])
def test_an_unknown_basic_user_is_refused_before_the_body_is_looked_at(
    service: RunningService, work: Work, body: bytes
) -> None:
    answer = service.post("/v1/batch", "unknown", content=body)

    assert refused(answer, 401, "UNAUTHORISED")
    assert work.given == {"beginning": [], "end": [], "unpack_body": [], "decode_json": []}


def test_an_unknown_basic_user_is_refused_before_the_body_has_come(
    service: RunningService,
) -> None:
    head = (
        "POST /v1/batch HTTP/1.1\r\nHost: test\r\nAuthorization: Basic dW5rbm93bjo=\r\n"
        "Content-Length: 10000000\r\n\r\n{"
    )
    host, port = service.address.split(":")

    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(head.encode())
        answer = connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize(
    "request_",
    [
        {"params": {"writeKey": "unknown"}},
        {"headers": {"X-Write-Key": "unknown"}},
        {"headers": {"Authorization": "Bearer unknown"}},
    ],
)
@pytest.mark.parametrize("body", [LISTS, SMALL_BOMB, b"[" * 1_000_000])
def test_of_an_unknown_key_that_a_body_may_outrank_only_the_beginning_is_read(
    service: RunningService, work: Work, request_: dict[str, Any], body: bytes
) -> None:
    answer = service.post("/v1/batch", content=body, **request_)

    assert refused(answer, 401, "UNAUTHORISED")
    assert work.decoded == []


@pytest.mark.parametrize("body", [LISTS, SMALL_BOMB, b"[" * 1_000_000, b" " * 9_000_000])
def test_a_body_without_any_key_is_too_large_beyond_64_kb_packed_or_unpacked(
    service: RunningService, work: Work, body: bytes
) -> None:
    answer = service.post("/v1/batch", content=body)

    assert refused(answer, 413, "TOO_LARGE")
    assert "65,536 bytes" in answer.json()["message"]
    assert "write key" in answer.json()["detail"]
    assert (work.given["end"], work.decoded) == ([], [])


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_large_body_that_begins_with_a_known_key_is_taken(
    service: RunningService, space: Space, pack: Callable[[bytes], bytes]
) -> None:
    batch = [{"type": "track", **TRACK, "messageId": f"m-{n}"} for n in range(1_500)]
    body = pack(json.dumps({"writeKey": space.write_key, "batch": batch}).encode())

    answer = service.post("/v1/batch", content=body, headers={"Content-Type": "text/plain"})

    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert len(space.events()) == 1_500


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_small_body_may_hold_its_key_anywhere(
    service: RunningService, space: Space, pack: Callable[[bytes], bytes]
) -> None:
    call = {**TRACK, "properties": {"writeKey": "of-something-else"}, "writeKey": space.write_key}

    answer = service.post("/v1/track", content=pack(json.dumps(call).encode()))

    assert answer.status_code == 200
    assert len(space.events()) == 1


def test_a_key_deep_inside_a_body_names_no_sender(service: RunningService, space: Space) -> None:
    large = {"batch": [{**TRACK, "writeKey": space.write_key}], "padding": "x" * 100_000}

    answers = [service.post("/v1/batch", json=body) for body in (large, {"batch": large["batch"]})]

    assert all(refused(answer, 401, "UNAUTHORISED") for answer in answers)
    assert space.events() == []


def test_a_known_key_in_the_body_outranks_an_unknown_one_in_the_address(
    service: RunningService, space: Space
) -> None:
    call = {**TRACK, "writeKey": space.write_key}

    answer = service.post("/v1/track", params={"writeKey": "unknown"}, json=call)

    assert answer.status_code == 200


def test_an_unknown_key_in_the_body_outranks_a_known_one_in_the_address(
    service: RunningService, space: Space
) -> None:
    call = {**TRACK, "writeKey": "unknown"}

    answer = service.post("/v1/track", params={"writeKey": space.write_key}, json=call)

    assert refused(answer, 401, "UNAUTHORISED")
    assert space.events() == []


def test_a_body_of_a_known_sender_that_would_be_huge_is_not_decoded(
    service: RunningService, space: Space, work: Work
) -> None:
    answer = service.post("/v1/batch", space.write_key, content=LISTS)

    assert refused(answer, 413, "TOO_LARGE")
    assert "500,000 lists and objects" in answer.json()["message"]
    assert work.given["decode_json"] == []


# -- bodies that name their sender last, as PostHog's Python SDK writes them -------------------


def of_posthog(key: str, events: int = 1_500) -> bytes:
    batch = [{"event": "e", "distinct_id": "u-1", "uuid": f"m-{n}"} for n in range(events)]
    return json.dumps({"batch": batch, "api_key": key}).encode()


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_large_body_of_posthog_may_end_with_its_key(
    service: RunningService, space: Space, pack: Callable[[bytes], bytes]
) -> None:
    body = of_posthog(space.write_key)
    assert len(body) > MAX_UNKNOWN_BYTES

    answer = service.post("/batch/", content=pack(body))

    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert len(space.events()) == 1_500


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (of_posthog("unknown"), 401, "UNAUTHORISED"),
        (gzip.compress(of_posthog("unknown")), 401, "UNAUTHORISED"),
        (of_posthog("k")[:-20], 401, "UNAUTHORISED"),
        (LISTS, 413, "TOO_LARGE"),
        (b" " * 9_000_000, 401, "UNAUTHORISED"),
        (b" " * 11_000_000, 413, "TOO_LARGE"),
    ],
)
def test_of_a_large_body_of_posthog_from_nobody_nothing_is_decoded(
    service: RunningService, work: Work, body: bytes, status: int, code: str
) -> None:
    answer = service.post("/batch/", content=body)

    assert refused(answer, status, code)
    assert work.decoded == []


def test_only_so_many_large_bodies_without_a_sender_are_held_at_once(
    service: RunningService, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collect, "UNKNOWN_WAIT_S", 1)
    event = {"event": "e", "distinct_id": "u-1", "properties": {"text": "x" * 100_000}}
    body = json.dumps({"batch": [event], "api_key": space.write_key}).encode()
    head = f"POST /batch/ HTTP/1.1\r\nHost: test\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    with ExitStack() as stack:
        slow = [stack.enter_context(connected(service)) for _ in range(collect.UNKNOWN_PLACES)]
        for connection in slow:
            connection.sendall(head + body[:-1])
        wait_until(lambda: service.post("/batch/", content=body).status_code == 429)
        one_more = service.post("/batch/", content=body)
        with_key_outside = service.post("/batch/", space.write_key, content=body)
        small = service.post("/batch/", content=of_posthog(space.write_key, 1))
        for connection in slow:
            connection.sendall(body[-1:])
        answers = [connection.recv(65536) for connection in slow]
    afterwards = service.post("/batch/", content=body)

    assert refused(one_more, 429, "OVERLOADED")
    assert int(one_more.headers["Retry-After"]) >= 1
    assert [with_key_outside.status_code, small.status_code, afterwards.status_code] == [200] * 3
    assert {answer.partition(b"\r\n")[0] for answer in answers} == {b"HTTP/1.1 200 OK"}


def test_a_large_body_without_a_sender_has_to_arrive_soon(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collect, "UNKNOWN_BODY_S", 0.2)
    head = b"POST /batch/ HTTP/1.1\r\nHost: test\r\nContent-Length: 10000000\r\n\r\n"

    with connected(service) as connection:
        connection.sendall(head + b" " * (MAX_UNKNOWN_BYTES + 1))
        answer = connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 408 ")


def connected(service: RunningService) -> socket.socket:
    host, port = service.address.split(":")
    return socket.create_connection((host, int(port)), timeout=30)
