"""What the commands have in common when they speak."""

from __future__ import annotations

import json
from typing import Any

import typer
from rich.console import Console


def print_error(message: str) -> None:
    """One line on standard error."""
    typer.echo(" ".join(message.split()), err=True)


def print_json(value: Any) -> None:
    """JSON on standard output, for programs and still for eyes."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def results() -> Console:
    """Standard output, for tables and panels."""
    return Console(highlight=False)


def notices() -> Console:
    """Standard error, for progress."""
    return Console(stderr=True, soft_wrap=True, highlight=False)
