"""`identity-service changes`: what happened to customers, and what happens now."""

from __future__ import annotations

from contextlib import aclosing
from typing import Annotated, Final

import orjson
import typer

from identity_service import session
from identity_service.cli import arguments, json_objects
from identity_service.cli.output import print_line, visible_json
from identity_service.domain.recorded import RecordedChange
from identity_service.domain.resolution.changes import ChangeKind
from identity_service.domain.timestamps import iso
from identity_service.graph.keys import identifier_of
from identity_service.graph.ledger import NEWEST_CHANGE, ChangeFilter
from identity_service.session import Session

LISTED: Final = 50
"""Changes that are shown of those that happened before."""


def changes(
    space: Annotated[str, typer.Option(help="The space to look in.")],
    kind: Annotated[
        list[ChangeKind] | None,
        typer.Option(help="Only changes of this kind; may be given several times."),
    ] = None,
    customer: Annotated[
        str | None, typer.Option(metavar="ID", help="Only changes that name this customer.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="Only changes from then on.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="Only changes until then, inclusive.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with what happens from now on, until Ctrl-C.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="For programs: one JSON object a line.")
    ] = False,
) -> None:
    """Show the newest changes of a space, the newest last."""
    if follow and (customer or since or until):
        raise typer.BadParameter("--follow goes with --kind only.")
    show = _show_json if as_json else _show
    which = ChangeFilter(kind, arguments.earliest(since), arguments.latest(until))

    async def work(opened: Session) -> None:
        scope, ledger = await opened.space(space), opened.cases.ledger
        if customer:
            page = await ledger.changes_of(scope, customer, which, NEWEST_CHANGE, LISTED)
        else:
            page = await ledger.changes(scope, which, NEWEST_CHANGE, LISTED)
        for change in reversed(page.items):
            show(change)
        if follow:
            last = page.items[0].position if page.items else 0
            async with aclosing(opened.cases.following.changes(scope, kind, last)) as coming:
                async for change in coming:
                    show(change)

    try:
        session.run(work)
    except KeyboardInterrupt:
        if not follow:
            raise


def _show(change: RecordedChange) -> None:
    other = f" {change.other_customer_id}" if change.other_customer_id else ""
    moved = " ".join(str(identifier_of(key)) for key in change.identifier_keys)
    print_line(
        f"{iso(change.at)} {change.kind} {change.customer_id}{other} {moved} ({change.cause})"
    )


def _show_json(change: RecordedChange) -> None:
    print_line(visible_json(orjson.dumps(json_objects.change(change)).decode()))
