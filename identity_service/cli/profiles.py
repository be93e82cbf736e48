"""`identity-service profiles`: the text that says what is computed of customers, in versions."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Column, Table
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
from identity_service.domain.profiles.comparison import AudienceDifference, FeatureDifference
from identity_service.domain.profiles.parse import parse_profiles
from identity_service.domain.recorded import ProfilesVersion
from identity_service.errors import NotFound, ProfilesInvalid
from identity_service.graph import schema
from identity_service.graph.profiles import ProfilesProgress
from identity_service.services.export.training_set import TrainingSet
from identity_service.services.preview.profile_previews import ProfilesPreview, Progress
from identity_service.services.spaces.access import SpaceScope
from identity_service.session import Session

LISTED: Final = 100
"""Most versions that `history` shows, the newest."""

TAKE_OVER_S: Final = 1.0
"""Seconds after which it is looked again for what no process computes."""

File = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, help="A profiles text, in YAML.")
]
Space = Annotated[str, typer.Option(help="The space whose customers it is about.")]
Reason = Annotated[str | None, typer.Option(help="Why; kept with the version.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]

app = typer.Typer(
    help="Traits, features and audiences: the text that defines them, and its versions.",
    no_args_is_help=True,
)


@app.command("check")
def check_command(file: File) -> None:
    """Read a profiles text and name every mistake in it with its path."""
    text = read_profiles(file)
    found = parse_profiles(text)
    print_line(
        f"{file}: no mistakes; {len(found.features):,} features,"
        f" {len(found.account_features):,} account features, {len(found.audiences):,} audiences."
    )


@app.command("apply")
def apply_command(
    file: File,
    space: Space,
    author: arguments.Author,
    reason: Reason = None,
    expect: Annotated[
        int | None,
        typer.Option(
            metavar="VERSION", help="Refuse unless this version is in force; 0: there is none."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put a profiles text in force, and compute all profiles by it.

    The version is in force at once. Ctrl-C leaves the rest to a service that runs, or to the next
    one that starts.
    """
    text = read_profiles(file)

    async def work(opened: Session) -> tuple[ProfilesVersion, int]:
        return await _applied(opened, space, author, text, expect, reason)

    _show_applied(session.run(work), space, as_json=as_json)


@app.command("restore")
def restore_command(
    version: Annotated[int, typer.Argument(min=1, help="The version whose text to apply again.")],
    space: Space,
    author: arguments.Author,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Undo what came after a version: put its text in force again, as a new version."""

    async def work(opened: Session) -> tuple[ProfilesVersion, int]:
        scope = await opened.space(space)
        text = (await opened.cases.profile_texts.version(scope, version)).text
        why = reason or f"As in version {version}."
        return await _applied(opened, space, author, text, None, why)

    _show_applied(session.run(work), space, as_json=as_json)


@app.command("show")
def show_command(
    space: Space,
    version: Annotated[
        int | None, typer.Option(min=1, help="Which one; default: the one in force.")
    ] = None,
    diff: Annotated[
        bool, typer.Option("--diff", help="How it became the one in force, as a unified diff.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print a profiles text, as it was applied."""
    if diff and (version is None or as_json):
        raise typer.BadParameter("--diff goes with --version, and without --json.")

    async def work(opened: Session) -> tuple[ProfilesVersion, str]:
        scope = await opened.space(space)
        texts = opened.cases.profile_texts
        if version is None:
            return await _in_force(opened, space), ""
        found = await texts.version(scope, version)
        return found, await texts.difference(scope, version) if diff else ""

    found, difference = session.run(work)
    if as_json:
        print_json({**json_objects.profiles_version(found), "text": found.text})
    elif diff:
        print_content(difference)
    else:
        print_content(found.text if found.text.endswith("\n") else f"{found.text}\n")


@app.command("history")
def history_command(space: Space, as_json: AsJson = False) -> None:
    """List the versions of a space's profiles text, newest first."""

    async def work(opened: Session) -> list[ProfilesVersion]:
        scope = await opened.space(space)
        return list((await opened.cases.profile_texts.versions(scope, LISTED, None)).items)

    versions = session.run(work)
    if as_json:
        print_json([json_objects.profiles_version(each) for each in versions])
        return
    table = Table("version", "since", "by", "reason")
    for each in versions:
        at = f"{datetime.fromtimestamp(each.applied_at / 1000, UTC):%Y-%m-%d %H:%M} UTC"
        table.add_row(str(each.version), at, Text(each.author), Text(each.reason or ""))
    results().print(table)


@app.command("preview")
def preview_command(file: File, space: Space, as_json: AsJson = False) -> None:
    """Show what a text would change: audiences, and values of features. Nothing is written."""
    text = read_profiles(file)

    async def work(opened: Session) -> ProfilesPreview:
        scope = await opened.space(space)
        with _counting("customers") as progress:
            return await opened.cases.profile_previews.preview(scope, text, progress)

    found = session.run(work)
    if as_json:
        print_json(json_objects.profiles_preview(found))
        return
    of_accounts = found.of_accounts
    for table in (
        _audiences("audience", found.audiences),
        _features("feature", found.features),
        _audiences("audience of accounts", of_accounts.audiences),
        _features("account feature", of_accounts.features),
    ):
        if table.row_count:
            results().print(table)
    for warning in found.warnings:
        print_line(f"{warning.path}: {warning.message}")
    if found.skipped:
        print_line(f"{found.skipped:,} customers were not looked at: they have too many events.")
    if of_accounts.skipped:
        print_line(
            f"{of_accounts.skipped:,} accounts were not looked at: they have too many members or"
            " events."
        )


@app.command("training-set")
def training_set_command(
    pairs: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            help="CSV with the columns customer (TYPE:VALUE or a customer id) and at.",
        ),
    ],
    space: Space,
    to: Annotated[Path, typer.Option(help="A directory that does not exist yet, or an empty one.")],
) -> None:
    """Write what the features and audiences of customers were at instants, as Parquet.

    A row for each pair, in their order. Nothing that happened after the instant is in it.
    """

    async def work(opened: Session) -> TrainingSet:
        scope = await opened.space(space)
        with _counting("pairs") as progress:
            return await opened.cases.training_sets.write(scope, pairs, to, progress)

    made = session.run(work)
    print_line(f"{made.rows:,} rows by version {made.version} of the profiles text are in {to}.")
    if made.unknown:
        print_line(f"{made.unknown:,} of them name nobody: their features are empty.")


def read_profiles(file: Path) -> str:
    """The text of a file. Ends the command after it has named every mistake in it."""
    text = read_policy_file(file)
    try:
        parse_profiles(text)
    except ProfilesInvalid as invalid:
        print_problems(file, invalid)
        raise typer.Exit(1) from invalid
    return text


async def _applied(
    opened: Session, space: str, author: str, text: str, expect: int | None, reason: str | None
) -> tuple[ProfilesVersion, int]:
    scope = await opened.space(space, author)
    await schema.apply(opened.database)
    texts = opened.cases.profile_texts
    if expect is None:
        in_force = await texts.in_force(scope)
        expect = in_force.version if in_force else 0
    made = await texts.apply(scope, text, expect, reason)
    return made, await _computed(opened, scope, made.version)


async def _computed(opened: Session, scope: SpaceScope, version: int) -> int:
    """Show the progress until all profiles are computed; returns how many customers there were."""
    console, profiles = notices(), opened.cases.profiles
    columns = (TextColumn(f"computing by version {version}"), BarColumn(), MofNCompleteColumn())
    last = ProfilesProgress(version, 0, 0, done=False)
    computing = asyncio.create_task(_compute(opened, scope))
    try:
        with Bar(*columns, console=console, disable=not console.is_terminal) as bar:
            task = bar.add_task("", total=None)
            async for last in profiles.progress(scope):
                bar.update(task, total=last.customers, completed=last.computed)
    finally:
        computing.cancel()
        if not last.done:
            print_error(
                f"Version {version} is in force, and not all profiles are computed by it yet. A"
                " service that runs, or the next one that starts, goes on with it."
            )
    return last.customers


async def _compute(opened: Session, scope: SpaceScope) -> None:
    """Compute what waits, and take over from a process that ended meanwhile."""
    while True:
        await opened.cases.profiles.computed(scope)
        await asyncio.sleep(TAKE_OVER_S)


async def _in_force(opened: Session, space: str) -> ProfilesVersion:
    found = await opened.cases.profile_texts.in_force(await opened.space(space))
    if found is None:
        raise NotFound(
            f"The space “{space}” has no profiles text.",
            remedy=f"Apply one with `identity-service profiles apply FILE --space {space}`.",
        )
    return found


def _audiences(heading: str, differences: Iterable[AudienceDifference]) -> Table:
    table = Table(heading, *(_number(each) for each in ("before", "after", "enter", "leave")))
    for each in differences:
        numbers = (each.before, each.after, each.enter, each.leave)
        table.add_row(Text(each.name), *(f"{number:,}" for number in numbers))
    return table


def _features(heading: str, differences: Iterable[FeatureDifference]) -> Table:
    table = Table(heading, _number("values that change"))
    for each in differences:
        table.add_row(Text(each.name), f"{each.changed:,}")
    return table


def _number(heading: str) -> Column:
    return Column(heading, justify="right")


@contextmanager
def _counting(what: str) -> Generator[Progress]:
    """How many are done; only on a terminal."""
    console = notices()
    columns = (TextColumn(what), TextColumn("{task.completed:,.0f}"))
    with Bar(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda done: bar.update(task, completed=done)


def _show_applied(applied: tuple[ProfilesVersion, int], space: str, *, as_json: bool) -> None:
    made, customers = applied
    if as_json:
        print_json({"space": space, **json_objects.profiles_version(made), "customers": customers})
    else:
        print_line(
            f"Version {made.version} is in force in the space “{space}”; the profiles of"
            f" {customers:,} customers are computed by it."
        )
