"""`identity-service policy set`, `list` and `show`: the versions of a space's policy."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from identity_service import session
from identity_service.cli import arguments, json_objects
from identity_service.cli.output import (
    notices,
    print_content,
    print_error,
    print_json,
    print_line,
    results,
)
from identity_service.cli.policy import print_problems, read_policy_file
from identity_service.domain.recorded import PolicyVersion, RolloutProgress
from identity_service.errors import NotFound, PolicyInvalid
from identity_service.graph import schema
from identity_service.services.spaces.access import SpaceScope
from identity_service.session import Session

LISTED = 100
"""Most versions that `list` shows, the newest."""

Space = Annotated[str, typer.Option(help="The space whose policy it is.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the group `policy`."""
    app.command("set")(set_command)
    app.command("list")(list_command)
    app.command("show")(show_command)


def set_command(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A policy, in YAML.")],
    space: Space,
    author: arguments.Author,
    note: Annotated[str | None, typer.Option(help="Why; kept with the version.")] = None,
    expect: Annotated[
        int | None,
        typer.Option(metavar="VERSION", help="Refuse unless this version is in force."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put a policy in force, and settle the space by it.

    The version is in force at once. Ctrl-C leaves the rest of the settlement to a service that
    runs, or to the next one that starts.
    """
    text = read_policy_file(file)

    async def work(
        opened: Session,
    ) -> tuple[PolicyVersion, RolloutProgress, tuple[str, ...]]:
        scope = await opened.space(space, author)
        await schema.apply(opened.database)
        expected = (await opened.cases.spaces.policy(scope)).version if expect is None else expect
        kept = await opened.cases.policy_rollout.kept_by_events(scope, text)
        made = await opened.cases.policy_rollout.set_policy(scope, text, expected, note)
        return made, await _settled(opened, scope, made), kept

    try:
        made, progress, kept = session.run(work)
    except PolicyInvalid as invalid:
        print_problems(file, invalid)
        raise typer.Exit(1) from invalid
    if as_json:
        print_json(
            {
                "space": space,
                **json_objects.policy(made),
                "settlement": json_objects.rollout(progress),
                "notes": list(kept),
            }
        )
    else:
        print_line(
            f"Version {made.version} is in force in the space “{space}”;"
            f" {progress.customers_to_settle:,} customers were settled by it."
        )
        for note_of_type in kept:
            print_line(note_of_type)


def list_command(space: Space, as_json: AsJson = False) -> None:
    """List the versions of a space's policy, newest first, and how far the newest is settled."""

    async def work(opened: Session) -> tuple[list[PolicyVersion], RolloutProgress]:
        scope = await opened.space(space)
        page = await opened.cases.spaces.policies(scope, LISTED, None)
        return list(page.items), await opened.cases.spaces.rollout_progress(scope)

    versions, progress = session.run(work)
    if as_json:
        print_json(
            {
                "policies": [json_objects.policy(v) for v in versions],
                "settlement": json_objects.rollout(progress),
            }
        )
        return
    table = Table("version", "since", "by", "note")
    for version in versions:
        at = f"{_moment(version):%Y-%m-%d %H:%M} UTC"
        table.add_row(str(version.version), at, Text(version.author), Text(version.note or ""))
    console = results()
    console.print(table)
    if not progress.done:
        console.print(
            f"Version {progress.policy_version} has reached {progress.settled:,} of"
            f" {progress.customers_to_settle:,} customers so far."
        )


def show_command(
    space: Space,
    version: Annotated[
        int | None, typer.Option(min=1, help="Which one; default: the one in force.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the text of a policy, as it was sent."""

    async def work(opened: Session) -> PolicyVersion:
        scope = await opened.space(space)
        if version is None:
            return await opened.cases.spaces.policy(scope)
        page = await opened.cases.spaces.policies(scope, 1, version + 1)
        if not page.items or page.items[0].version != version:
            raise NotFound(
                f"The policy of the space “{space}” has no version {version}.",
                remedy=f"`identity-service policy list --space {space}` shows those that it has.",
            )
        return page.items[0]

    found = session.run(work)
    if as_json:
        print_json({**json_objects.policy(found), "text": found.text})
    else:
        print_content(found.text if found.text.endswith("\n") else f"{found.text}\n")


async def _settled(opened: Session, scope: SpaceScope, made: PolicyVersion) -> RolloutProgress:
    """Show the progress of the rollout until it is done; returns the last that was read."""
    last = await opened.cases.spaces.rollout_progress(scope)
    try:
        with _bar(made.version) as bar:
            task = bar.add_task("", total=last.customers_to_settle)
            async for last in opened.cases.policy_rollout.progress(scope):
                bar.update(task, total=last.customers_to_settle, completed=last.settled)
    finally:
        if not last.done:
            print_error(
                f"Version {made.version} is in force, and is not settled yet. A service that runs,"
                " or the next one that starts, goes on with it."
            )
    return last


@contextmanager
def _bar(version: int) -> Generator[Progress]:
    """A bar of customers; only on a terminal."""
    console = notices()
    text = TextColumn(f"settling by version {version}", markup=False)
    columns = (text, BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield progress


def _moment(version: PolicyVersion) -> datetime:
    return datetime.fromtimestamp(version.created_at / 1000, UTC)
