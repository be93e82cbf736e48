"""The command line, run inside the test's process as the entry point runs it."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final
from unittest.mock import patch

import pytest
import structlog
import typer

from identity_service.cli import main

BUILT: Final = cache(typer.main.get_command)
"""The whole tree of commands, which takes 130 ms of a processor and is the same for each run."""


@dataclass(frozen=True)
class Ended:
    """What a command left behind."""

    code: int
    out: str
    err: str


class Command:
    """Runs commands. What they set for the process, their log's handlers, is set back."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def __call__(self, *arguments: str | Path) -> Ended:
        self._capture.readouterr()
        with logging_as_it_was(), patch.object(typer.main, "get_command", BUILT):
            code = main([str(argument) for argument in arguments])
        captured = self._capture.readouterr()
        return Ended(code, captured.out, captured.err)

    def complains(self, *arguments: str | Path, code: int) -> str:
        """The one line on standard error with which a command fails."""
        ended = self(*arguments)
        assert ended.code == code, ended
        (line,) = ended.err.splitlines()
        assert "Traceback" not in line
        return line


@contextmanager
def logging_as_it_was() -> Generator[None]:
    """Inside, the log may be set up for a command; it is set back at the end."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    try:
        yield
    finally:
        root.handlers = handlers
        root.setLevel(level)
        structlog.reset_defaults()
