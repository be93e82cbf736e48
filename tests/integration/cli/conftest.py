from __future__ import annotations

import json
import secrets

import pytest

from identity_service.settings import Settings
from tests.support.command import Command


@pytest.fixture(autouse=True)
def environment(database_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Neo4j of the run, as a user names it."""
    password = database_settings.neo4j_password
    monkeypatch.setenv("IDENTITY_NEO4J_URI", database_settings.neo4j_uri or "")
    monkeypatch.setenv("IDENTITY_NEO4J_USER", database_settings.neo4j_user)
    monkeypatch.setenv("IDENTITY_NEO4J_DATABASE", database_settings.neo4j_database)
    if password:
        monkeypatch.setenv("IDENTITY_NEO4J_PASSWORD", password.get_secret_value())


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


@pytest.fixture
def keys(command: Command) -> dict[str, str]:
    """A new space as `space create` prints it."""
    return json.loads(command("space", "create", f"test-{secrets.token_hex(8)}").out)
