"""The tracking API over HTTP: what is taken, what is refused, and how it is said."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.service import RunningService, Space, create_space, running_service
from tests.support.waiting import wait_until

ROUTES = {
    name: kind
    for kind in ("track", "identify", "page", "screen", "group", "alias", "merge")
    for name in ((kind,) if kind == "merge" else (kind, kind[0]))
}
TRACK = {"userId": "u-1", "event": "Order Completed", "messageId": "m-1"}
ORIGIN = "https://shop.example.com"
PLACES: dict[str, Callable[[str], dict[str, Any]]] = {
    "basic": lambda key: {"key": key},
    "body": lambda key: {"json": {**TRACK, "writeKey": key}},
    "query": lambda key: {"params": {"writeKey": key}},
    "x-write-key": lambda key: {"headers": {"X-Write-Key": f"{key}:secret"}},
    "bearer": lambda key: {"headers": {"Authorization": f"Bearer {key}"}},
}


@pytest.mark.parametrize("name", ["batch", "b"])
def test_a_batch_is_answered_200_and_success(
    service: RunningService, space: Space, name: str
) -> None:
    answer = service.post(
        f"/v1/{name}", space.write_key, json={"batch": [{"type": "track", **TRACK}]}
    )

    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert answer.headers["content-type"] == "application/json"
    assert space.events() == [{"type": "track", "name": "Order Completed", "message_id": "m-1"}]


def test_every_route_takes_calls_of_its_kind(service: RunningService, space: Space) -> None:
    for name in ROUTES:
        call = {"userId": "u-1", "previousId": "a-1", "messageId": name, "type": "of no interest"}

        answer = service.post(f"/v1/{name}", space.write_key, json=call)

        assert (answer.status_code, answer.json()) == (200, {"success": True}), name
    assert {event["message_id"]: event["type"] for event in space.events()} == ROUTES


def test_an_event_is_resolved_when_it_is_acknowledged(
    service: RunningService, space: Space
) -> None:
    service.post("/v1/track", space.write_key, json={"anonymousId": "a-1", "event": "Seen"})
    service.post("/v1/identify", space.write_key, json={"anonymousId": "a-1", "userId": "u-1"})

    assert space.customers() == [{"anonymous_id:a-1", "user_id:u-1"}]


def test_an_event_that_is_sent_twice_is_kept_once(service: RunningService, space: Space) -> None:
    for _ in range(2):
        assert service.post("/v1/track", space.write_key, json=TRACK).status_code == 200

    assert len(space.events()) == 1


@pytest.mark.parametrize("place", PLACES)
def test_the_write_key_may_stand_in_every_place(
    service: RunningService, space: Space, place: str
) -> None:
    request: dict[str, Any] = {"json": TRACK, **PLACES[place](space.write_key)}

    answer = service.post("/v1/track", **request)

    assert answer.status_code == 200
    assert len(space.events()) == 1


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "nonsense", ""]
)
def test_the_content_type_is_ignored(
    service: RunningService, space: Space, content_type: str
) -> None:
    answer = service.post(
        "/v1/track",
        space.write_key,
        content=json.dumps(TRACK),
        headers={"Content-Type": content_type},
    )

    assert answer.status_code == 200


@pytest.mark.parametrize("headers", [{"Content-Encoding": "gzip"}, {}], ids=["declared", "not"])
def test_gzip_is_recognised_by_its_first_bytes(
    service: RunningService, space: Space, headers: dict[str, str]
) -> None:
    packed = gzip.compress(json.dumps(TRACK).encode())

    answer = service.post("/v1/track", space.write_key, content=packed, headers=headers)

    assert answer.status_code == 200
    assert len(space.events()) == 1


def test_a_body_that_comes_in_pieces_is_read_whole(service: RunningService, space: Space) -> None:
    def pieces() -> Iterator[bytes]:
        text = json.dumps(TRACK).encode()
        yield text[:10]
        yield text[10:]

    answer = service.post("/v1/track", space.write_key, content=pieces())

    assert answer.status_code == 200
    assert len(space.events()) == 1


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_large_batch_is_taken_whole(
    service: RunningService, space: Space, pack: Callable[[bytes], bytes]
) -> None:
    batch = [
        {"type": "track", "userId": f"u-{n % 3}", "event": "x" * 1_000, "messageId": f"m-{n}"}
        for n in range(600)
    ]
    body = pack(json.dumps({"batch": batch}).encode())

    answer = service.post("/v1/batch", space.write_key, content=body)

    assert answer.status_code == 200
    assert len(space.events()) == 600


def test_a_bad_event_is_set_aside_and_its_batch_is_taken(
    service: RunningService, space: Space
) -> None:
    batch = [{"type": "track", **TRACK}, {"type": "track", "event": "Nobody"}, 7]

    answer = service.post("/v1/batch", space.write_key, json={"batch": batch})

    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert len(space.events()) == 1
    assert [one["code"] for one in space.rejections()] == ["NO_IDENTIFIER", "NOT_AN_OBJECT"]


def test_a_key_that_is_no_write_key_sends_nothing(service: RunningService, space: Space) -> None:
    for key in (space.reader_key, space.admin_key, "unknown", None):
        answer = service.post("/v1/track", key, json=TRACK)

        assert answer.status_code == 401
        assert answer.json()["code"] == "UNAUTHORISED"
        assert "Send a source's write key" in answer.json()["message"]
    assert space.events() == []


def test_a_body_that_is_declared_too_large_is_refused_before_it_is_sent(
    service: RunningService, space: Space
) -> None:
    request = (
        f"POST /v1/batch?writeKey={space.write_key} HTTP/1.1\r\nHost: test\r\n"
        "Content-Length: 10485761\r\nExpect: 100-continue\r\n\r\n"
    )

    with socket.create_connection(_address(service), timeout=30) as connection:
        connection.sendall(request.encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer.lower()


def test_a_body_that_turns_out_too_large_is_refused(service: RunningService, space: Space) -> None:
    def endless() -> Iterator[bytes]:
        yield b'{"batch": ["'
        for _ in range(11):
            yield b"x" * 1024 * 1024

    answer = service.post("/v1/batch", space.write_key, content=endless())

    assert answer.status_code == 413
    assert answer.json()["code"] == "TOO_LARGE"
    assert "Send smaller batches." in answer.json()["message"]


def test_a_sender_who_leaves_in_the_middle_harms_nobody(
    service: RunningService, space: Space
) -> None:
    request = (
        f"POST /v1/track?writeKey={space.write_key} HTTP/1.1\r\nHost: test\r\n"
        'Content-Length: 100\r\n\r\n{"userId": '
    )
    with socket.create_connection(_address(service), timeout=30) as connection:
        connection.sendall(request.encode())

    assert service.post("/v1/track", space.write_key, json=TRACK).status_code == 200
    assert len(space.events()) == 1


def test_a_full_queue_answers_429_and_is_not_ready(service: RunningService) -> None:
    settings = service.settings.model_copy(update={"max_queue": 1})
    with running_service(settings) as small, ThreadPoolExecutor() as senders:
        space = create_space(settings)

        def send(number: int) -> httpx.Response:
            call = {"userId": "u-1", "event": "x", "messageId": f"m-{number}"}
            return small.post("/v1/track", space.write_key, json=call)

        waiting: list[Future[httpx.Response]] = []

        def is_full() -> bool:
            # Those that arrive together share the batch that is held; the next one fills the queue.
            if small.get("/readyz").status_code == 503:
                return True
            waiting.append(senders.submit(send, len(waiting) + 1))
            return False

        assert send(0).status_code == 200
        with _held(space):
            wait_until(is_full)
            refused = send(99)
            not_ready = small.get("/readyz")

        answers = [one.result().status_code for one in waiting]

    assert refused.status_code == 429
    assert refused.json()["code"] == "OVERLOADED"
    assert int(refused.headers["Retry-After"]) >= 1
    assert "queue" in not_ready.json()["message"]
    assert 200 in answers
    taken = {f"m-{number}" for number, answer in enumerate(answers, 1) if answer == 200}
    assert {event["message_id"] for event in space.events()} == {"m-0", *taken}


def test_a_write_key_that_sends_too_many_events_is_told_when_to_come_back(
    service: RunningService,
) -> None:
    limits = {"write_key_rate": 0.01, "write_key_burst": 3}
    settings = service.settings.model_copy(update=limits)
    with running_service(settings) as limited:
        space, other = create_space(settings), create_space(settings)
        batch = {"batch": [{"type": "track", **TRACK, "messageId": f"{n}"} for n in range(4)]}

        taken = limited.post("/v1/batch", space.write_key, json=batch)
        refused = limited.post("/v1/batch", space.write_key, content=b"not even JSON")
        others = limited.post("/v1/batch", other.write_key, json=batch)

    assert (taken.status_code, others.status_code) == (200, 200)
    assert refused.status_code == 429
    assert refused.json()["code"] == "OVERLOADED"
    assert 190 <= int(refused.headers["Retry-After"]) <= 200
    assert len(space.events()) == 4


def test_a_browser_may_send_any_header_from_any_origin(service: RunningService) -> None:
    answer = httpx.options(
        f"{service.url}/v1/t",
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type,x-made-up",
        },
    )

    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert answer.headers["access-control-allow-headers"] == "authorization,content-type,x-made-up"
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert int(answer.headers["access-control-max-age"]) > 0


def test_a_browser_may_read_success_and_failure(service: RunningService, space: Space) -> None:
    for key, status in ((space.write_key, 200), ("unknown", 401)):
        answer = service.post("/v1/track", key, json=TRACK, headers={"Origin": ORIGIN})

        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert "Retry-After" in answer.headers["access-control-expose-headers"]
        assert answer.headers["vary"] == "Origin"


def _address(service: RunningService) -> tuple[str, int]:
    parts = urlsplit(service.url)
    return str(parts.hostname), int(str(parts.port))


@contextmanager
def _held(space: Space) -> Generator[None]:
    """Nobody else can write identifiers of the space for as long."""
    with (
        space.driver() as driver,
        driver.session(database=space.settings.neo4j_database) as session,  # pyright: ignore[reportUnknownMemberType]
        session.begin_transaction() as transaction,
    ):
        lock = "MATCH (i:Identifier {space: $space}) SET i.held = true"
        transaction.run(lock, space=space.name).consume()
        yield
        transaction.rollback()
