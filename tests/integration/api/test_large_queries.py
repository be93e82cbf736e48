"""Large queries are answered in a process of their own, as they would be in the service's."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import Generator, Sequence
from contextlib import suppress
from typing import Any

import httpx
import orjson
import psutil
import pytest

from identity_service.api.graphql.large_queries import PROCESS, LargeQueries
from identity_service.api.graphql.requests import Request
from identity_service.errors import Unavailable
from identity_service.graph.database import Database
from identity_service.services.spaces.access import Caller, Role
from identity_service.settings import Settings
from tests.support.following import client
from tests.support.plain_http import NO_TLS
from tests.support.served import PATIENCE, served
from tests.support.service import RunningService, Space, create_space, running_service
from tests.support.waiting import until, wait_until

CUSTOMERS = """query ($space: String!, $some: [IdentifierInput!]!) { space(name: $space) {
  customers(identifiers: $some) {
    __typename ... on Customer { customerId links { timesSeen decision { message } } } } } }"""
PREVIEW = """query ($space: String!, $policy: String!) { space(name: $space) {
  preview(policy: $policy) {
    __typename ... on PolicyPreview { summary { merged } } ... on Invalid { message } } } }"""
SOME = [{"type": "user_id", "value": f"u-{n}"} for n in range(6)]
BOTH = {"some": SOME, "policy": "extends: merge_all"}


def large_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The processes for large queries of a service and its workers."""
    return large_among(psutil.Process(process.pid).children(recursive=True))


def large_among(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    """Those that answer large queries."""
    found: list[psutil.Process] = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            if PROCESS in process.cmdline():
                found.append(process)
    return found


def asked(service: RunningService, key: str, query: str, **variables: Any) -> Any:
    """The answer to a query, without what is left to the key."""
    answer = service.post(
        "/graphql",
        json={"query": query, "variables": variables},
        headers={"Authorization": f"Bearer {key}"},
    )
    assert answer.status_code == 200
    said = answer.json()
    said.get("extensions", {"cost": {}})["cost"].pop("left", None)
    return said


@pytest.fixture(scope="module")
def space(database_settings: Settings) -> Space:
    """Five customers, four of whom share a device."""
    space = create_space(database_settings)
    with running_service(database_settings) as service:
        for n in range(5):
            call = {"userId": f"u-{n}", "anonymousId": f"a-{n % 2}", "event": "x"}
            assert service.post("/v1/track", space.write_key, json=call).is_success
    return space


@pytest.fixture(scope="module")
def running(database_settings: Settings) -> Generator[tuple[subprocess.Popen[str], RunningService]]:
    """A service as `serve` runs it, that may be asked again and again until it answers."""
    settings = database_settings.model_copy(update={"read_key_burst": 10**9})
    with served(settings, workers=1) as (process, url):
        wait_until(lambda: len(large_of(process)) == 1, seconds=PATIENCE)
        yield process, RunningService(url, database_settings)


Served = tuple[subprocess.Popen[str], RunningService]


@pytest.mark.parametrize(
    "query",
    [
        CUSTOMERS,
        PREVIEW,
        PREVIEW.replace("$policy)", '"types: 3")'),
        CUSTOMERS.replace("customerId", "customerId accounts { nothing }"),
        CUSTOMERS.replace("identifiers: $some", "identifiers: $some, asOf: 1"),
    ],
    ids=["customers", "preview", "refused", "invalid", "too early"],
)
def test_a_large_query_is_answered_as_in_the_service_itself(
    running: Served, space: Space, query: str
) -> None:
    used = {name: value for name, value in BOTH.items() if f"${name}" in query.partition("{")[2]}
    query = query.replace(", $policy: String!", "") if "policy" not in used else query

    with running_service(space.settings) as here:
        expected = asked(here, space.reader_key, query, space=space.name, **used)
    answer = asked(running[1], space.reader_key, query, space=space.name, **used)

    assert answer == expected


def test_the_other_process_answers_over_every_transport(running: Served, space: Space) -> None:
    service, large = running[1], large_of(running[0])[0]
    before = large.cpu_times().user
    variables = {"space": space.name, "policy": "extends: merge_all"}
    for _ in range(20):
        asked(service, space.reader_key, PREVIEW, **variables)
    streamed = service.post(
        "/graphql",
        json={"query": PREVIEW, "variables": variables},
        headers={"Authorization": f"Bearer {space.reader_key}", "Accept": "text/event-stream"},
    )
    with client(service, space.reader_key) as connected:
        connected.subscribe("asked", PREVIEW, **variables)
        over_socket = connected.receive()["payload"]

    assert '"merged"' in streamed.text
    assert over_socket["data"]["space"]["preview"]["summary"]["merged"] >= 1
    assert large.cpu_times().user > before
    assert 'identity_statement_seconds_count{statement="snapshot/' in service.get("/metrics").text
    assert "process_resident_memory_bytes" in service.get("/metrics").text


def test_a_key_of_another_space_finds_nothing_there(running: Served, space: Space) -> None:
    other = create_space(space.settings)

    answer = asked(running[1], other.reader_key, CUSTOMERS, space=space.name, some=SOME)

    assert answer["data"] == {"space": None}


def test_what_was_written_is_seen_by_the_next_large_query(running: Served, space: Space) -> None:
    service, seen = running[1], list[int]()
    own = create_space(space.settings)
    for n in range(1, 6):
        call = {"userId": f"u-{n}", "anonymousId": "a", "event": "x"}
        assert service.post("/v1/track", own.write_key, json=call).is_success
        answer = asked(service, own.reader_key, CUSTOMERS, space=own.name, some=SOME)
        found = answer["data"]["space"]["customers"]
        seen.append(sum(each is not None and "customerId" in each for each in found))

    assert seen == [1, 2, 3, 4, 5]


def test_a_process_that_is_killed_is_started_again(running: Served, space: Space) -> None:
    process, service = running
    variables = {"space": space.name, "policy": "extends: merge_all"}
    expected = asked(service, space.reader_key, PREVIEW, **variables)
    killed = large_of(process)[0]
    killed.kill()

    wait_until(
        lambda: asked(service, space.reader_key, PREVIEW, **variables) == expected,
        seconds=PATIENCE,
    )

    (started,) = large_of(process)
    assert started.pid != killed.pid


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL])
def test_the_other_process_ends_with_the_service(
    database_settings: Settings, sent: signal.Signals
) -> None:
    with served(database_settings, workers=2) as (process, url):
        wait_until(lambda: len(large_of(process)) == 2, seconds=PATIENCE)
        assert httpx.get(f"{url}/readyz", verify=NO_TLS).is_success
        everything = psutil.Process(process.pid).children(recursive=True)
        large = large_of(process)
        if sent is signal.SIGKILL:
            for each in everything:
                if each not in large:
                    each.kill()
        process.send_signal(sent)
        process.communicate(timeout=PATIENCE)

        _, alive = psutil.wait_procs(large, timeout=PATIENCE)

    assert alive == []


async def test_a_large_query_whose_time_is_up_ends_where_it_runs(space: Space) -> None:
    caller = Caller(Role.READER, "tests", space.name)
    variables = {"space": space.name, "policy": "extends: merge_all"}
    async with await Database.open(space.settings) as database:
        large = LargeQueries(space.settings, database)
        try:
            late = await large.answer(Request(PREVIEW, variables, None), caller, 0.001)
            in_time = await large.answer(Request(PREVIEW, variables, None), caller, PATIENCE)
        finally:
            await large.close()

    assert [each["extensions"]["code"] for each in late["errors"]] == ["TIME_UP"]
    assert "data" not in late
    assert "errors" not in in_time


async def test_a_process_that_hangs_is_given_up_and_another_started(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = Request(PREVIEW, {"space": space.name, "policy": "extends: merge_all"}, None)
    caller = Caller(Role.READER, "tests", space.name)
    async with await Database.open(space.settings) as database:
        large = LargeQueries(space.settings, database)
        try:
            expected = await large.answer(request, caller)
            (started,) = large_among(psutil.Process().children())
            started.suspend()
            with monkeypatch.context() as patience:
                patience.setattr(large, "_timeout", 0.2)
                with pytest.raises(Unavailable):
                    await large.answer(request, caller)
            answer = await large.answer(request, caller)
        finally:
            await large.close()

    assert orjson.dumps(answer) == orjson.dumps(expected)
    assert large_among(psutil.Process().children()) == []


async def test_the_end_of_a_process_that_was_given_up_leaves_the_next_one_alone(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = Request(PREVIEW, {"space": space.name, "policy": "extends: merge_all"}, None)
    caller = Caller(Role.READER, "tests", space.name)
    async with await Database.open(space.settings) as database:
        large = LargeQueries(space.settings, database)
        try:
            await large.answer(request, caller)
            (hanging,) = large_among(psutil.Process().children())
            hanging.suspend()
            with monkeypatch.context() as patience:
                patience.setattr(large, "_timeout", 0.2)
                # It lives until the next one runs.
                patience.setattr(asyncio.subprocess.Process, "kill", spare)
                with pytest.raises(Unavailable):
                    await large.answer(request, caller)
            await large.answer(request, caller)
            (following,) = set(large_among(psutil.Process().children())) - {hanging}
            hanging.kill()
            await until(lambda: has_ended(hanging))
            await large.answer(request, caller)
            running = large_among(psutil.Process().children())
        finally:
            await large.close()

    assert running == [following]
    assert large_among(psutil.Process().children()) == []


def spare(_: asyncio.subprocess.Process) -> None:
    """Let a process live that is to be killed."""


async def has_ended(process: psutil.Process) -> bool:
    return not process.is_running()


async def test_a_query_that_is_given_up_ends_in_the_other_process(space: Space) -> None:
    request = Request(PREVIEW, {"space": space.name, "policy": "extends: merge_all"}, None)
    caller = Caller(Role.READER, "tests", space.name)
    async with await Database.open(space.settings) as database:
        large = LargeQueries(space.settings, database)
        try:
            await large.answer(request, caller)
            given_up = [asyncio.create_task(large.answer(request, caller)) for _ in range(5)]
            await asyncio.sleep(0)
            for task in given_up:
                task.cancel()
            ended = await asyncio.gather(*given_up, return_exceptions=True)
            answer = await large.answer(request, caller)
        finally:
            await large.close()

    assert all(isinstance(each, asyncio.CancelledError) for each in ended)
    assert "errors" not in answer
