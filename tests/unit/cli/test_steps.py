from __future__ import annotations

import pytest

from identity_service.cli.steps import Steps


def test_where_nobody_watches_each_step_is_one_line_on_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Steps.shown() as steps:
        for number in (2_000, 2_000):
            steps.counted("events", number)
        done = steps.share("importing")
        done(0.5)
        done(1)
        steps.begin("starting")

    assert capsys.readouterr() == ("", "copying events …\nimporting …\nstarting …\n")


def test_on_a_terminal_numbers_and_shares_move(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")

    with Steps.shown() as steps:
        steps.counted("events", 2_000)
        steps.counted("events", 2_000)
        steps.share("importing")(0.5)

    captured = capsys.readouterr()
    assert captured.out == ""
    assert "4,000" in captured.err
    assert "50 %" in captured.err
