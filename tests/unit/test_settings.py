from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from identity_service.cli import main
from identity_service.settings import PREFIX, Settings

KEY = "0123456789abcdef"


@pytest.mark.parametrize("key", ["", "   ", KEY[:15], f"{KEY}\n", f" {KEY}", "äöüäöüäöüäöüäöüäöü"])
def test_a_key_of_the_administrator_that_protects_nothing_is_refused_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    monkeypatch.setenv("IDENTITY_ADMIN_KEY", key)

    code = main(["serve"])

    said = capsys.readouterr().err
    assert code == 2
    assert "IDENTITY_ADMIN_KEY: the key has fewer than 16 characters" in said
    assert "äöü" not in said


def test_a_key_of_sixteen_characters_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ADMIN_KEY", KEY)

    key = Settings().admin_key

    assert key is not None
    assert key.get_secret_value() == KEY


@pytest.mark.parametrize("key", ["", "k" * 42, "k" * 45, "ä" * 43, f"{'k' * 43}\n"])
def test_a_key_for_secrets_of_another_length_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    monkeypatch.setenv("IDENTITY_SECRETS_KEY", key)

    code = main(["serve"])

    said = capsys.readouterr().err
    assert code == 2
    assert "IDENTITY_SECRETS_KEY: the key is not 32 bytes in base64" in said
    assert "kkk" not in said


@pytest.mark.parametrize(
    "settings",
    [
        Settings(neo4j_uri=None, neo4j_password=None),
        Settings(
            neo4j_uri="neo4j://db:7687",
            neo4j_password=SecretStr("p w=\n"),
            admin_key=SecretStr("k" * 16),
            secrets_key=SecretStr("k" * 43),
            preview_timeout=0.25,
            data_dir=Path("/some where"),
            write_key_rate=1e9,
            max_queue=7,
        ),
    ],
)
def test_another_process_has_the_same_settings_by_its_environment(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    for name, value in settings.as_environment().items():
        monkeypatch.setenv(name, value)

    assert Settings() == settings
