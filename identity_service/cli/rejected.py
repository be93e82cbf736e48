"""`identity-service rejected …`: events that were set aside are repaired and sent again."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from identity_service import session
from identity_service.cli import arguments, json_objects
from identity_service.cli.output import print_json, results
from identity_service.collect.body import decode_json
from identity_service.domain.recorded import Page, RecordedRejection
from identity_service.domain.timestamps import iso
from identity_service.errors import BadInput, NotFound
from identity_service.graph import schema
from identity_service.graph.ledger import NEWEST
from identity_service.graph.rejected import RejectedFilter
from identity_service.services.spaces.access import SpaceScope
from identity_service.services.write.rejected_events import (
    MAX_AT_ONCE,
    RejectedEvents,
    Resent,
    ToResend,
)
from identity_service.session import Session

MAX_LISTED = 500

REFUSED = 1
"""The exit code when some were rejected again."""

_Space = Annotated[str, typer.Option(help="The space to look in.")]
_Source = Annotated[str | None, typer.Option(help="Only those of this source.")]
_Code = Annotated[
    str | None, typer.Option(metavar="CODE", help="Only those with this reason, as NO_IDENTIFIER.")
]
_Since = Annotated[
    str | None, typer.Option(metavar="MOMENT", help="Only those received from then on.")
]
_Until = Annotated[
    str | None, typer.Option(metavar="MOMENT", help="Only those received until then, inclusive.")
]
_All = Annotated[
    bool, typer.Option("--all", help="All of the space, or all that --source … --until leave.")
]
_Ids = Annotated[
    list[str] | None, typer.Argument(metavar="[ID]…", help="rej_…, as `list` shows them.")
]
_Json = Annotated[bool, typer.Option("--json", help="For programs.")]

app = typer.Typer(
    help="Rejected events: look at them, repair them and send them again, or drop them.",
    no_args_is_help=True,
)


@app.command("list")
def list_command(
    space: _Space,
    source: _Source = None,
    code: _Code = None,
    since: _Since = None,
    until: _Until = None,
    first: Annotated[int, typer.Option(min=1, max=MAX_LISTED, help="How many at most.")] = 50,
    as_json: _Json = False,
) -> None:
    """List rejected events, newest first."""
    which = _filter(source, code, since, until)

    async def work(opened: Session) -> Page[RecordedRejection]:
        scope = await opened.space(space)
        return await opened.cases.rejected.page(scope, which, NEWEST, first)

    page = session.run(work)
    if as_json:
        found = [json_objects.rejected_event(each) for each in page.items]
        print_json({"rejectedEvents": found, "more": page.more})
        return
    results().print(_table(page) if page.items else "There are no rejected events.")
    if page.more:
        results().print(f"There are more than {first}.")


@app.command("show")
def show_command(
    rejected: Annotated[str, typer.Argument(metavar="ID", help="rej_…, as `list` shows it.")],
    space: _Space,
) -> None:
    """Show a rejected event with what was sent, as JSON; `body` is what `resend --body` takes."""

    async def work(opened: Session) -> RecordedRejection | None:
        return await opened.cases.rejected.find(await opened.space(space), rejected)

    found = session.run(work)
    if found is None:
        raise NotFound(f"There is no rejected event “{rejected}” in “{space}”.")
    print_json(json_objects.rejected_event(found))


@app.command("resend")
def resend_command(
    space: _Space,
    ids: _Ids = None,
    body: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="A file with what one event was repaired to, as JSON."
        ),
    ] = None,
    of_all: _All = False,
    source: _Source = None,
    code: _Code = None,
    since: _Since = None,
    until: _Until = None,
    as_json: _Json = False,
) -> None:
    """Send rejected events again, as if their sources did, with the time of their first receipt.

    Exits with 1 when some are rejected again: they stay as they were.
    """
    which = _filter(source, code, since, until)
    _check(ids, which, of_all=of_all)
    if body is not None and len(ids or ()) != 1:
        raise typer.BadParameter("--body goes with one ID.")
    repaired = None if body is None else _read_body(body)

    async def work(opened: Session) -> Resent:
        scope = await opened.space(space)
        await schema.apply(opened.database)
        rejected = opened.cases.rejected
        done = Resent((), (), ())
        async for some in _chosen(rejected, scope, ids, which):
            found = await rejected.resend(scope, [ToResend(each, repaired) for each in some])
            done = Resent(
                [*done.accepted, *found.accepted],
                [*done.refused, *found.refused],
                [*done.gone, *found.gone],
            )
        return done

    done = session.run(work)
    if as_json:
        print_json(json_objects.resent(done))
    else:
        _show(done)
    if done.refused:
        raise typer.Exit(REFUSED)


@app.command("drop")
def drop_command(
    space: _Space,
    ids: _Ids = None,
    of_all: _All = False,
    source: _Source = None,
    code: _Code = None,
    since: _Since = None,
    until: _Until = None,
    as_json: _Json = False,
) -> None:
    """Delete rejected events for good."""
    which = _filter(source, code, since, until)
    _check(ids, which, of_all=of_all)

    async def work(opened: Session) -> int:
        scope = await opened.space(space)
        await schema.apply(opened.database)
        dropped = 0
        async for some in _chosen(opened.cases.rejected, scope, ids, which):
            dropped += await opened.cases.rejected.drop(scope, some)
        return dropped

    dropped = session.run(work)
    if as_json:
        print_json({"dropped": dropped})
    else:
        results().print(f"{dropped:,} rejected events were dropped.")


def _filter(
    source: str | None, code: str | None, since: str | None, until: str | None
) -> RejectedFilter:
    return RejectedFilter(source, code, arguments.earliest(since), arguments.latest(until))


def _check(ids: Sequence[str] | None, which: RejectedFilter, *, of_all: bool) -> None:
    if bool(ids) is of_all:
        raise typer.BadParameter("Name rejected events by their ids, or give --all.")
    if ids and which != RejectedFilter():
        raise typer.BadParameter("--source, --code, --since and --until go with --all.")


async def _chosen(
    rejected: RejectedEvents,
    scope: SpaceScope,
    ids: Sequence[str] | None,
    which: RejectedFilter,
) -> AsyncGenerator[list[str]]:
    """The ids of those that are meant, some at a time."""
    if ids:
        for n in range(0, len(ids), MAX_AT_ONCE):
            yield list(ids[n : n + MAX_AT_ONCE])
        return
    before, more = NEWEST, True
    while more:
        page = await rejected.page(scope, which, before, MAX_AT_ONCE)
        if page.items:
            before = page.items[-1].id
            yield [each.id for each in page.items]
        more = page.more


def _read_body(path: Path) -> Any:
    try:
        return decode_json(path.read_bytes())
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None


def _show(done: Resent) -> None:
    console = results()
    summary = f"{len(done.accepted):,} were taken, {len(done.refused):,} are rejected again."
    console.print(Text(summary, style="bold"), soft_wrap=True)
    for each in done.refused[:MAX_LISTED]:
        console.print(Text(f"  {each.id} {each.code}: {each.message}"), soft_wrap=True)
    if done.gone:
        console.print(Text(f"  {len(done.gone):,} are not there any more."), soft_wrap=True)


def _table(page: Page[RecordedRejection]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("rejected event", "received", "source", "reason"):
        table.add_column(column, overflow="fold")
    for found in page.items:
        reason = f"{found.code}: {found.message}"
        cells = (found.id, iso(found.received_at), found.source, reason)
        table.add_row(*(Text(cell) for cell in cells))
    return table
