"""The managed Neo4j is started again when it is of no use any more."""

from __future__ import annotations

from pathlib import Path

import pytest

from identity_service.runtime import bolt, server
from identity_service.runtime.launch import CONSOLE_LOG, PANIC
from identity_service.runtime.restarts import KeptRunning
from identity_service.settings import Settings
from tests.support.waiting import wait_until

PATIENCE = 180


@pytest.mark.neo4j
def test_a_server_whose_database_has_panicked_is_started_again_at_the_same_address(
    tmp_path: Path,
) -> None:
    settings = Settings(neo4j_uri=None, data_dir=tmp_path, neo4j_page_cache="64m")
    panicked = server.start(settings)

    with KeptRunning(settings, panicked):
        with (server.server_home(settings) / CONSOLE_LOG).open("ab") as log:
            log.write(b"ERROR Client triggered an unexpected error: " + PANIC + b"\n")
        wait_until(lambda: not panicked.state.process.is_alive(), seconds=PATIENCE)
        wait_until(lambda: server.status(settings) is not None, seconds=PATIENCE)
        again = server.status(settings)

    assert again is not None
    assert again.process != panicked.state.process
    assert again.port == panicked.state.port
    assert not bolt.answers(again.port)
