from __future__ import annotations

import pytest

from identity_service.cli import main
from identity_service.settings import Settings

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
