"""Clients that send little by little, or nothing, or take no answer; and too many of them."""

from __future__ import annotations

import json
import resource
import select
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Final

import psutil
import pytest

from identity_service.api.http_protocol import MAX_HEAD, SPARE_FILES, most_connections
from identity_service.graph import statements
from identity_service.settings import Settings
from tests.support.service import RunningService, Space, create_space, running_service
from tests.support.waiting import wait_until

pytestmark = pytest.mark.neo4j

SILENT: Final = 40
PATIENCE_S: Final = 30
HEAD: Final = b"POST /v1/track?writeKey=%b HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\n"
TRACK: Final = {"userId": "u-1", "event": "x"}
RAISE: Final = """
from resource import RLIMIT_NOFILE, getrlimit, setrlimit
from identity_service.api.http_protocol import raise_file_limit
setrlimit(RLIMIT_NOFILE, (200, 300))
raise_file_limit()
print(*getrlimit(RLIMIT_NOFILE))
"""


@pytest.fixture(scope="module")
def hasty(database_settings: Settings) -> Generator[RunningService]:
    """A service that waits for nobody."""
    limits = {"head_timeout": 0.3, "body_timeout": 0.6}
    with running_service(database_settings.model_copy(update=limits)) as service:
        yield service


@pytest.fixture(scope="module")
def hasty_space(hasty: RunningService) -> Space:
    return create_space(hasty.settings)


def connect(service: RunningService) -> socket.socket:
    host, port = service.address.split(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE_S)


def everything(connection: socket.socket) -> bytes:
    """What comes until the service closes the connection.

    What was still on its way to the service then is answered by a reset, behind all that came.
    """
    received = bytearray()
    with suppress(ConnectionResetError):
        while some := connection.recv(65536):
            received += some
    return bytes(received)


def is_open(service: RunningService, connection: socket.socket) -> bool:
    """Whether the service, which runs in this process, still has its end of a connection."""
    ours = (service.address, "{}:{}".format(*connection.getsockname()))
    return ours in {
        ("{}:{}".format(*each.laddr), "{}:{}".format(*each.raddr))
        for each in psutil.Process().net_connections("tcp")
        if each.raddr
    }


def the_answer(raw: bytes) -> tuple[int, dict[str, str], dict[str, Any]]:
    """The status, the headers and the body of the one answer that came."""
    head, _, body = raw.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    assert len(body) == int(headers["content-length"])
    return int(status.split()[1]), headers, json.loads(body)


def assert_is_a_timeout(raw: bytes, part: str) -> None:
    status, headers, problem = the_answer(raw)
    assert (status, problem["code"]) == (408, "REQUEST_TIMEOUT")
    assert problem.keys() == {"code", "message", "detail", "error"}
    assert f"The {part} of the request" in problem["message"]
    assert headers["connection"] == "close"


def test_clients_that_say_nothing_are_sent_away_in_silence(hasty: RunningService) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(connect(hasty)) for _ in range(SILENT)]

        assert [everything(each) for each in silent] == [b""] * SILENT


def test_a_head_that_comes_byte_by_byte_is_not_waited_for(hasty: RunningService) -> None:
    with connect(hasty) as connection:
        for byte in b"GET /healthz HTTP/1.1\r\nX-Slow: " + b"x" * 1_000:
            connection.sendall(bytes([byte]))
            if select.select([connection], [], [], 0.02)[0]:
                break

        assert_is_a_timeout(everything(connection), "head")


def test_a_head_without_end_is_refused(service: RunningService) -> None:
    whole = b"GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n"
    with connect(service) as connection:
        connection.sendall(whole + b"GET /healthz HTTP/1.1\r\nX-Long: ")
        answered = b""
        while not answered.endswith(b'{"alive":true}'):
            answered += connection.recv(65536)
        connection.sendall(b"x" * (MAX_HEAD + 1))
        status, headers, problem = the_answer(everything(connection))

    assert (status, problem["code"]) == (413, "TOO_LARGE")
    assert headers["connection"] == "close"


def test_a_second_head_on_a_connection_is_not_waited_for_either(hasty: RunningService) -> None:
    with connect(hasty) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: test\r\n\r\nGET /healthz HTTP/1.1\r\n")
        raw = everything(connection)

    first, second = raw.split(b"HTTP/1.1 408")
    assert first.startswith(b"HTTP/1.1 200")
    assert_is_a_timeout(b"HTTP/1.1 408" + second, "head")


def test_a_body_that_does_not_come_is_not_waited_for(
    hasty: RunningService, hasty_space: Space
) -> None:
    with connect(hasty) as connection:
        connection.sendall(HEAD % hasty_space.write_key.encode() + b'{"userId": ')

        assert_is_a_timeout(everything(connection), "body")


def test_a_body_that_nobody_wants_any_more_is_not_waited_for(hasty: RunningService) -> None:
    head = HEAD.replace(b"?writeKey=%b", b"").replace(
        b"Host: test", b"Authorization: Basic dW5rbm93bjo="
    )
    with connect(hasty) as connection:
        connection.sendall(head)
        raw = everything(connection)

    assert the_answer(raw)[0] == 401


def test_a_client_that_takes_its_time_between_requests_is_served(
    hasty: RunningService, hasty_space: Space
) -> None:
    body = json.dumps(TRACK).encode().ljust(100)
    with connect(hasty) as connection:
        for _ in range(2):
            connection.sendall(HEAD % hasty_space.write_key.encode() + body)
            answered = b""
            while not answered.endswith(b'{"success":true}'):
                answered += connection.recv(65536)
            closed = select.select([connection], [], [], 1.0)[0]
            assert not closed


def test_a_client_that_takes_no_answer_is_cut_off(hasty: RunningService) -> None:
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        host, port = hasty.address.split(":")
        connection.connect((host, int(port)))
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: test\r\n\r\n" * 500)

        assert connection.recv(1) == b"H"
        wait_until(lambda: not is_open(hasty, connection), seconds=PATIENCE_S)


def test_one_connection_too_many_is_sent_away_until_another_one_is_closed(
    database_settings: Settings,
) -> None:
    few = database_settings.model_copy(update={"max_connections": 5})
    with running_service(few) as service, ExitStack() as stack:
        silent = _opened(service, 5, stack)
        with connect(service) as refused:
            status, headers, problem = the_answer(everything(refused))
        silent[0].close()
        _until_served(service)

    assert (status, problem["code"]) == (429, "OVERLOADED")
    assert int(headers["retry-after"]) >= 1
    assert headers["connection"] == "close"


def _opened(service: RunningService, number: int, stack: ExitStack) -> list[socket.socket]:
    """So many connections that the service took, and that say nothing."""
    deadline = time.monotonic() + PATIENCE_S
    opened: list[socket.socket] = []
    while len(opened) < number:
        assert time.monotonic() < deadline
        connection = connect(service)
        # One that asked whether the service is ready may still be open.
        if select.select([connection], [], [], 0.05)[0]:
            connection.close()
        else:
            opened.append(stack.enter_context(connection))
    return opened


def _until_served(service: RunningService) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with connect(service) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
            if everything(connection).startswith(b"HTTP/1.1 200"):
                return
    raise AssertionError("No connection was taken again.")


@pytest.mark.parametrize(
    ("files", "most"), [(1_024, 1_024 - SPARE_FILES), (50_000, 10_000), (9, 1)]
)
def test_there_are_never_more_connections_than_file_descriptors_allow(
    monkeypatch: pytest.MonkeyPatch, files: int, most: int
) -> None:
    def getrlimit(_: int) -> tuple[int, int]:
        return files, files

    monkeypatch.setattr(resource, "getrlimit", getrlimit)

    assert most_connections(10_000) == most


def test_the_limit_of_file_descriptors_is_raised_as_far_as_it_may_be() -> None:
    raised = subprocess.run(
        [sys.executable, "-c", RAISE], capture_output=True, text=True, check=True
    )

    assert raised.stdout == "300 300\n"


@contextmanager
def _nothing_read_yet() -> Generator[None]:
    statements.load.cache_clear()
    yield
    statements.load_all()


def test_all_statements_are_read_when_the_service_is_ready(database_settings: Settings) -> None:
    with _nothing_read_yet(), running_service(database_settings):
        read = statements.load.cache_info().currsize

    assert read == len(statements.statement_names())
