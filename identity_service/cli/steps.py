"""Long work in steps: on a terminal a line for each that moves, elsewhere a line when it begins."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Self

from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from identity_service.cli.output import notices


class Steps:
    """What is being done, on standard error. A step ends when the next one begins.

    Its methods may be called from any thread.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    @classmethod
    @contextmanager
    def shown(cls) -> Generator[Self]:
        """Steps, shown until the block ends."""
        console = notices()
        columns = (TextColumn("{task.description}"), BarColumn(), _Amount(), TimeElapsedColumn())
        with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
            yield cls(progress)

    def begin(self, name: str, total: float | None = None) -> TaskID:
        """Say that a step begins; those before it have ended."""
        for task in self._tasks.values():
            self._progress.stop_task(task)
        if self._progress.disable:
            self._progress.console.print(f"{name} …")
        self._tasks[name] = self._progress.add_task(name, total=total)
        return self._tasks[name]

    def counted(self, name: str, number: int) -> None:
        """Count what was copied of a kind since the last call."""
        step = f"copying {name}"
        task = self._tasks[step] if step in self._tasks else self.begin(step)
        self._progress.advance(task, number)

    def share(self, name: str) -> Callable[[float], None]:
        """Begin a step; the returned function takes the share of it that is done, 0 to 1."""
        task = self.begin(name, total=1)
        return lambda done: self._progress.update(task, completed=done)


class _Amount(ProgressColumn):
    """How many, or which share."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.completed:,.0f}" if task.total is None else f"{task.percentage:.0f} %")
