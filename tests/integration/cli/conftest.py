from __future__ import annotations

import json
import secrets

import pytest

from identity_service.settings import Settings
from tests.support.command import Command
from tests.support.neo4j import environment_of


@pytest.fixture(autouse=True)
def environment(database_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Neo4j of the run, as a user names it."""
    for name, value in environment_of(database_settings).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


@pytest.fixture
def keys(command: Command) -> dict[str, str]:
    """A new space as `space create` prints it."""
    return json.loads(command("space", "create", f"test-{secrets.token_hex(8)}").out)
