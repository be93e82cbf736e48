from __future__ import annotations

import json
import logging
from collections.abc import Generator

import pytest
import structlog

from identity_service.observability import configure_logging


@pytest.fixture(autouse=True)
def as_it_was() -> Generator[None]:
    """Gives the process its logging back."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def test_our_lines_and_those_of_libraries_are_json_on_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging()

    structlog.get_logger("ours").info("batch_written", events=3)
    logging.getLogger("theirs").warning("slow %s", "disk")

    out, err = capsys.readouterr()
    ours, theirs = (json.loads(line) for line in err.splitlines())
    assert out == ""
    assert (ours["logger"], ours["event"], ours["events"]) == ("ours", "batch_written", 3)
    assert (theirs["logger"], theirs["event"], theirs["level"]) == (
        "theirs",
        "slow disk",
        "warning",
    )


def test_lines_below_the_level_are_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(logging.WARNING)

    structlog.get_logger("ours").info("batch_written")

    assert capsys.readouterr().err == ""


def test_a_traceback_shows_no_local_variables(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    value = "ann" * 3

    try:
        _ = {"a": value}["b"]
    except KeyError:
        structlog.get_logger("ours").exception("failed")

    line = capsys.readouterr().err
    assert "KeyError" in line
    assert value not in line
