"""Differences between customers as they are and as they would be: a table, and trees."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Final

from rich.console import Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from identity_service.cli import json_objects
from identity_service.cli.output import notices
from identity_service.domain.identifiers import Identifier
from identity_service.domain.preview.report import CustomerDifference, Preview, PreviewSummary
from identity_service.domain.resolution.changes import ChangeKind
from identity_service.services.preview import previews

SHOWN: Final = 10
"""Differences that are drawn."""

_NAMED: Final = 8
_LINKS: Final = 3
_LOUD: Final = {
    ChangeKind.MERGED: "red",
    ChangeKind.SPLIT: "yellow",
    ChangeKind.MOVED: "yellow",
    ChangeKind.QUARANTINED: "magenta",
    ChangeKind.RELEASED: "green",
    ChangeKind.CREATED: "green",
}


def table(summary: PreviewSummary) -> Table:
    """The summary for eyes."""
    numbers = json_objects.summary(summary)
    shown = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    shown.add_column()
    shown.add_column(justify="right")
    shown.add_row("customers", f"{numbers['customersBefore']:,} → {numbers['customersAfter']:,}")
    for label, name in (
        ("unchanged", "unchanged"),
        ("of another kind only", "kindChanged"),
        ("merged into others", "merged"),
        ("split off", "split"),
        ("created", "created"),
        ("quarantined", "quarantined"),
        ("released", "released"),
        ("identifiers that move", "identifiersMoved"),
        ("identifiers blocked", "identifiersBlocked"),
        ("components too large to resolve", "overConnected"),
    ):
        style = "dim" if not numbers[name] else ""
        shown.add_row(Text(label, style), Text(f"{numbers[name]:,}", style))
    return shown


def drawing(preview: Preview, most: int = SHOWN) -> RenderableType:
    """The first differences as trees, and how many more there are."""
    drawn: list[RenderableType] = [_tree(each) for each in preview.differences[:most]]
    if more := preview.summary.differences.total() - len(drawn):
        drawn.append(Text(f"and {more:,} more", "dim"))
    return Group(*drawn)


def _tree(difference: CustomerDifference) -> Tree:
    tree = Tree(Text(difference.kind.value, f"bold {_LOUD[difference.kind]}"))
    before = tree.add(Text("before", "dim"))
    for id_, some in zip(difference.customer_ids, difference.before, strict=False):
        before.add(Text.assemble((id_, "cyan"), "  ", _listed(some)))
    if not difference.before:
        before.add(Text("nobody", "dim"))
    after = tree.add(Text("after", "dim"))
    for some in difference.after:
        after.add(Text(_listed(some)))
    held = {identifier for some in difference.after for identifier in some}
    gone = [i for some in difference.before for i in some if i not in held]
    if gone:
        after.add(Text(f"nobody: {_listed(gone)}", "dim"))
    for link in difference.deciding_links[:_LINKS]:
        mark, style = ("✓", "green") if link.decision.joined else ("✗", "red")
        said = f"{mark} {link.a} and {link.b}: "
        tree.add(Text.assemble((said, style), (link.decision.message, "dim")))
    if more := len(difference.deciding_links) - _LINKS:
        tree.add(Text(f"and {more:,} more links", "dim")) if more > 0 else None
    return tree


def _listed(some: Sequence[Identifier]) -> str:
    named = ", ".join(map(str, some[:_NAMED]))
    return named if len(some) <= _NAMED else f"{named} and {len(some) - _NAMED:,} more"


@contextmanager
def watched() -> Generator[previews.Progress]:
    """A bar for each step of a preview; only on a terminal."""
    console = notices()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal
    ) as progress:
        tasks = {
            "reading": progress.add_task("reading the space", total=None),
            "comparing": progress.add_task("comparing", total=None),
        }

        def advance(step: previews.Step, done: int, of: int | None) -> None:
            progress.update(tasks[step], completed=done, total=of)

        yield advance
