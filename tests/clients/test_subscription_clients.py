"""The clients of `graphql-ws` and `graphql-sse` follow changes, over an end of the service too."""

from __future__ import annotations

import subprocess
from collections.abc import Generator
from contextlib import ExitStack, contextmanager

import pytest

from identity_service.settings import Settings
from tests.clients.test_node_sdks import FOLDER, NODE
from tests.support.following import BEGINNING, visit
from tests.support.service import PATIENCE, RunningService, Space, running_service

pytestmark = pytest.mark.skipif(
    not (FOLDER / "node_modules" / "graphql-sse").is_dir(),
    reason="the clients are not installed: `make sdks` fetches them from npm",
)


CLIENTS = ("ws", "sse")


@contextmanager
def following(
    by: str, url: str, key: str, space: Space, attempts: int = 600
) -> Generator[subprocess.Popen[str]]:
    """A client that follows a space from its first change."""
    given = [by, f"{url}/graphql", key, space.name, BEGINNING, str(attempts)]
    process = subprocess.Popen(
        [*NODE, FOLDER / "follow.mjs", *given],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    """What it says next."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_client_goes_on_when_the_service_comes_back_and_cancelling_gives_its_place_back(
    space: Space, database_settings: Settings
) -> None:
    room_for_both = database_settings.model_copy(update={"max_streams": len(CLIENTS)})
    with ExitStack() as clients:

        def follow(url: str) -> list[subprocess.Popen[str]]:
            return [
                clients.enter_context(following(by, url, space.reader_key, space)) for by in CLIENTS
            ]

        with running_service(room_for_both) as own:
            visit(own, space, "before")
            first = follow(own.url)
            assert [line(client) for client in first] == ["before", "before"]
        with running_service(room_for_both, int(own.url.rpartition(":")[2])) as again:
            visit(again, space, "after")
            assert [line(client) for client in first] == ["after", "after"]
            assert [line(client) for client in first] == ["cancelled", "cancelled"]
            assert [client.wait(PATIENCE) for client in first] == [0, 0]
            assert [line(client) for client in follow(again.url)] == ["before", "before"]


@pytest.mark.parametrize(("by", "refused"), [("ws", 4403), ("sse", 401)])
def test_a_client_hears_that_its_key_is_none(
    service: RunningService, space: Space, by: str, refused: int
) -> None:
    with following(by, service.url, "ids_reader_wrong", space, attempts=0) as client:
        assert line(client) == f"refused: {refused}"
