"""`identity-service audience`: who is in an audience, and who enters and leaves."""

from __future__ import annotations

from contextlib import aclosing
from typing import Annotated, Final

import orjson
import typer
from rich.table import Column, Table
from rich.text import Text

from identity_service import session
from identity_service.cli import json_objects
from identity_service.cli.output import print_json, print_line, results, visible_json
from identity_service.domain.profiles.recorded import RecordedMembershipChange
from identity_service.domain.timestamps import iso
from identity_service.errors import NotFound
from identity_service.session import Session

PAGE: Final = 1_000
"""Members that are read at a time."""

Space = Annotated[str, typer.Option(help="The space to look in.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]

app = typer.Typer(
    help="Audiences: who is in them, and who enters and leaves.", no_args_is_help=True
)


@app.command("list")
def list_command(space: Space, as_json: AsJson = False) -> None:
    """List the audiences of the profiles text in force, each with its size."""

    async def work(opened: Session) -> list[tuple[str, str, bool, int]]:
        scope, audiences = await opened.space(space), opened.cases.audiences
        return [
            (
                each.name,
                each.definition.of.value,
                each.definition.enabled,
                await audiences.size(scope, each),
            )
            for each in await audiences.all(scope)
        ]

    found = session.run(work)
    if as_json:
        print_json(
            [
                {"name": name, "of": of.upper(), "enabled": enabled, "size": size}
                for name, of, enabled, size in found
            ]
        )
        return
    table = Table("audience", "of", Column("size", justify="right"))
    for name, of, enabled, size in found:
        table.add_row(Text(name), of, f"{size:,}" if enabled else "not enabled")
    results().print(table)


@app.command("members")
def members_command(
    name: Annotated[str, typer.Argument(help="The audience.")],
    space: Space,
    as_json: Annotated[
        bool, typer.Option("--json", help="For programs: one JSON object a line.")
    ] = False,
) -> None:
    """Print the ids of all members of an audience, one a line, and since when they are in it."""

    async def work(opened: Session) -> None:
        scope, audiences = await opened.space(space), opened.cases.audiences
        audience = await audiences.find(scope, name)
        if audience is None:
            raise _unknown(space, name)
        after, more = "", True
        while more:
            page = await audiences.members(scope, audience, after, PAGE)
            for each in page.items:
                since = iso(each.since)
                if as_json:
                    _print_json({**json_objects.member_ids(each), "since": since})
                else:
                    print_line(f"{each.member_id} since {since}")
            after, more = (page.items[-1].member_id if page.items else after), page.more

    session.run(work)


@app.command("follow")
def follow_command(
    space: Space,
    name: Annotated[
        list[str] | None, typer.Argument(help="Only these audiences; default: all.")
    ] = None,
    after: Annotated[
        str | None,
        typer.Option(metavar="CURSOR", help="Go on after the change that has this cursor."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="For programs: one JSON object a line.")
    ] = False,
) -> None:
    """Print whoever enters or leaves an audience from now on, until Ctrl-C."""
    show = _show_json if as_json else _show

    async def work(opened: Session) -> None:
        scope = await opened.space(space)
        for each in name or ():
            if await opened.cases.audiences.find(scope, each) is None:
                raise _unknown(space, each)
        changes = opened.cases.following_memberships.changes(scope, name or None, _position(after))
        async with aclosing(changes) as coming:
            async for change in coming:
                show(change)

    try:
        session.run(work)
    except KeyboardInterrupt:
        return


def _position(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    # Strawberry, which comes with it, takes a tenth of a second.
    from identity_service.api.graphql.audiences import position_of

    return position_of(cursor)


def _unknown(space: str, name: str) -> NotFound:
    return NotFound(
        f"The space “{space}” has no audience “{name}”.",
        remedy=f"`identity-service audience list --space {space}` shows those that it has.",
    )


def _show(change: RecordedMembershipChange) -> None:
    other = f" from {change.from_customer}" if change.from_customer else ""
    campaign = ", starts campaigns" if change.starts_campaigns else ""
    print_line(
        f"{iso(change.at)} {change.member_id} {change.change.value} {change.audience}"
        f" ({change.cause}{other}{campaign})"
    )


def _show_json(change: RecordedMembershipChange) -> None:
    _print_json(json_objects.membership_change(change))


def _print_json(value: object) -> None:
    print_line(visible_json(orjson.dumps(value).decode()))
