"""The service as a process: it begins, it is told to end, it ends."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from identity_service.app import bound_socket, create_app
from identity_service.errors import BadInput
from identity_service.runtime import server
from identity_service.settings import Settings
from tests.support.plain_http import NO_TLS
from tests.support.served import PATIENCE, served
from tests.support.service import RunningService, Space, create_space
from tests.support.waiting import wait_until


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_a_service_that_is_told_to_end_ends_with_0_and_keeps_what_it_took(
    database_settings: Settings, workers: int, told: signal.Signals
) -> None:
    space = create_space(database_settings)

    with served(database_settings, workers) as (process, url):
        answer = RunningService(url, database_settings).post(
            "/v1/track", space.write_key, json={"userId": "u-1", "event": "x"}
        )
        metrics = httpx.get(f"{url}/metrics", verify=NO_TLS).text
        # A terminal sends Ctrl-C to the whole group.
        os.killpg(process.pid, told) if told is signal.SIGINT else process.send_signal(told)
        output, log = process.communicate(timeout=PATIENCE)

    assert process.returncode == 0, log
    assert answer.status_code == 200
    assert len(space.events()) == 1
    assert "identity_statement_seconds_count" in metrics
    assert space.write_key not in output + log


def test_the_garbage_collector_looks_at_nothing_that_was_there_before_the_first_request(
    database_settings: Settings,
) -> None:
    count = "import atexit, gc; atexit.register(lambda: print('left:', len(gc.get_objects()))); "

    with served(database_settings, workers=1, first=count) as (process, _):
        process.terminate()
        output, _ = process.communicate(timeout=PATIENCE)

    left = int(output.partition("left: ")[2])
    assert left < 20_000  # of 170,000: a full collection takes 100 ms of those


def test_the_managed_neo4j_is_started_with_the_service_and_stopped_with_it(tmp_path: Path) -> None:
    settings = Settings(neo4j_uri=None, data_dir=tmp_path)

    with served(settings, workers=1) as (process, _):
        neo4j = server.status(settings)
        process.terminate()
        output, _ = process.communicate(timeout=PATIENCE)

    assert process.returncode == 0
    assert neo4j is not None
    assert not neo4j.process.is_alive()
    assert output.count("The instance administrator's key, shown only now: ids_instance_") == 1


def test_a_managed_neo4j_that_is_killed_is_started_again_and_the_service_goes_on(
    tmp_path: Path,
) -> None:
    settings = Settings(neo4j_uri=None, data_dir=tmp_path)

    with served(settings, workers=1) as (process, url):
        killed = server.status(settings)
        assert killed is not None
        os.kill(killed.process.pid, signal.SIGKILL)
        wait_until(lambda: httpx.get(f"{url}/readyz", timeout=10, verify=NO_TLS).status_code == 503)
        wait_until(lambda: server.status(settings) not in (None, killed), seconds=PATIENCE)
        wait_until(
            lambda: httpx.get(f"{url}/readyz", timeout=10, verify=NO_TLS).is_success, seconds=10
        )
        again = server.status(settings)
        process.terminate()
        _, log = process.communicate(timeout=PATIENCE)

    assert process.returncode == 0
    assert again is not None
    assert again.port == killed.port
    assert not again.process.is_alive()
    assert "neo4j_started_again" in log


def test_a_port_that_is_taken_is_said_with_what_to_do(database_settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = database_settings.model_copy(update={"port": taken.getsockname()[1]})

        with pytest.raises(BadInput, match="cannot listen") as refused, bound_socket(settings):
            pass

    assert "IDENTITY_PORT" in refused.value.remedy


async def test_calls_of_senders_pass_no_middleware_and_no_router(
    database_settings: Settings, space: Space
) -> None:
    app = create_app(database_settings)
    async with app.api.router.lifespan_context(app.api) as state:

        async def served(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "state": state}, receive, send)

        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(served), base_url="http://test"
        ) as client:
            call = {"userId": "u-1", "event": "x"}
            taken = await client.post("/v1/track", auth=(space.write_key, ""), json=call)
            built_for_the_call = app.api.middleware_stack
            alive = await client.get("/healthz")

    assert (taken.status_code, alive.status_code) == (200, 200)
    # FastAPI builds its middleware, with the router inside, at the first request that it is given.
    assert built_for_the_call is None
    assert app.api.middleware_stack is not None
