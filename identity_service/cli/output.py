"""What the commands have in common when they speak.

What senders wrote may hold characters that command a terminal: they are shown, `\\x1b`, and not
obeyed. JSON stays the same value, and what goes into a file or a pipe stays as it is.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from typing import Any, Final

import typer
from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderableType, RenderHook
from rich.segment import Segment

_COMMANDS: Final = re.compile(
    # Control characters but tab and the end of a line, and what turns the direction of writing.
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]|\r(?!\n)"
)


def visible(text: str) -> str:
    """Text without anything that a terminal would obey."""
    return _COMMANDS.sub(_spelled, text)


def print_line(text: str, *, err: bool = False) -> None:
    """Text with a line feed, on standard output or standard error."""
    typer.echo(visible(text), err=err)


def print_error(message: str) -> None:
    """One line on standard error."""
    print_line(" ".join(message.split()), err=True)


def print_json(value: Any) -> None:
    """JSON on standard output, for programs and still for eyes."""
    print_line(visible_json(json.dumps(value, indent=2, ensure_ascii=False)))


def visible_json(text: str) -> str:
    """JSON of the same value without anything that a terminal would obey."""
    return _COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def print_content(content: str) -> None:
    """The content of a file on standard output: as it is, but for a terminal."""
    sys.stdout.write(visible(content) if sys.stdout.isatty() else content)


def results() -> Console:
    """Standard output, for tables and panels."""
    return _safe(Console(highlight=False))


def notices() -> Console:
    """Standard error, for progress."""
    return _safe(Console(stderr=True, soft_wrap=True, highlight=False))


def plain_text(shown: RenderableType, width: int) -> str:
    """What a console of that many columns shows, without styles."""
    console = _safe(Console(record=True, width=width, quiet=True, highlight=False))
    console.print(shown)
    return console.export_text()


class _Visible:
    """A renderable whose text is all visible."""

    def __init__(self, shown: ConsoleRenderable) -> None:
        self._shown = shown

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterable[Segment]:
        for segment in console.render(self._shown, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))


class _EverythingVisible(RenderHook):
    """Rich's hook for what is about to be printed."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Visible(each) for each in renderables]


def _safe(console: Console) -> Console:
    console.push_render_hook(_EverythingVisible())
    return console


def _spelled(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
