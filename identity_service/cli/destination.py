"""`identity-service destination …`: where customers are sent.

Secrets are read from standard input, a line each in the order that the help of `create` says, or
asked for: an argument stands in the list of processes.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from identity_service import session
from identity_service.activation.vendors import DestinationVendor, rules_of
from identity_service.cli.output import print_json, print_line, results
from identity_service.domain.recorded import Page
from identity_service.domain.timestamps import iso
from identity_service.graph import schema
from identity_service.graph.destinations import StoredDestination, StoredRecord
from identity_service.graph.outgoing_events import StoredEvent
from identity_service.services.activation.destinations import (
    DestinationProgress,
    DryRun,
    SentAgain,
)
from identity_service.services.activation.event_delivery import EventState
from identity_service.session import Session

app = typer.Typer(help="Destinations: where customers are sent.", no_args_is_help=True)

MAX_LISTED = 500

_Name = Annotated[str, typer.Argument(metavar="DESTINATION", help="Its name.")]
_Space = Annotated[str, typer.Option(help="The space whose customers go there.")]
_Json = Annotated[bool, typer.Option("--json", help="For programs.")]
_File = typer.Option(exists=True, readable=True, dir_okay=False, help="The definition, as YAML.")


@app.command("create")
def create_command(
    name: Annotated[str, typer.Argument(help="a-z, 0-9, “-” and “_”, 1 to 63 of them.")],
    space: _Space,
    vendor: Annotated[DestinationVendor, typer.Option(help="What it is.")],
    definition: Annotated[Path, _File],
) -> None:
    """Create a destination, and print it as JSON.

    The secrets that the vendor asks for are read from standard input, a line each, or asked for.
    Nothing is sent before a customer changes; `sync` sends all.
    """
    text, secrets = definition.read_text(encoding="utf-8"), _secrets(vendor)

    async def work(opened: Session) -> StoredDestination:
        await schema.apply(opened.database)
        scope = await opened.space(space)
        return await opened.cases.destinations.create(scope, name, vendor, text, secrets)

    print_json(_as_json(session.run(work)))


@app.command("list")
def list_command(
    space: _Space,
    after: Annotated[str, typer.Option(help="Only those whose name comes after this one.")] = "",
    first: Annotated[int, typer.Option(min=1, max=MAX_LISTED, help="How many at most.")] = 100,
    as_json: _Json = False,
) -> None:
    """List destinations by name."""

    async def work(opened: Session) -> Page[StoredDestination]:
        scope = await opened.space(space)
        return await opened.cases.destinations.of_space(scope, after, first)

    page = session.run(work)
    if as_json:
        found = [_as_json(each) for each in page.items]
        print_json({"destinations": found, "more": page.more})
        return
    results().print(_table(page) if page.items else "There are no destinations.")
    if page.more:
        results().print(f"There are more than {first}.")


@app.command("show")
def show_command(name: _Name, space: _Space, as_json: _Json = False) -> None:
    """Show a destination: its definition, and how far it is."""

    async def work(opened: Session) -> tuple[StoredDestination, DestinationProgress]:
        destinations = opened.cases.destinations
        found = await destinations.find(await opened.space(space), name)
        return found, await destinations.progress(found)

    found, progress = session.run(work)
    if as_json:
        print_json(_as_json(found, progress))
        return
    print_line(f"{found.key.name} ({found.vendor}): {_state(found)}")
    for state, number in sorted(progress.records.items()):
        print_line(f"  {number:,} records {state}")
    for state, number in sorted(progress.events.items()):
        print_line(f"  {number:,} events {state}")
    print_line(f"  {progress.waiting:,} customers wait")
    print_line(found.definition.rstrip())


@app.command("change")
def change_command(
    name: _Name,
    space: _Space,
    definition: Annotated[Path | None, _File] = None,
    secrets: Annotated[
        bool, typer.Option("--secrets", help="Read new secrets from standard input, or ask.")
    ] = False,
) -> None:
    """Give a destination another definition, other secrets, or both."""
    if definition is None and not secrets:
        raise typer.BadParameter("Name a --definition, or --secrets.")
    text = None if definition is None else definition.read_text(encoding="utf-8")

    async def vendor_of(opened: Session) -> DestinationVendor:
        found = await opened.cases.destinations.find(await opened.space(space), name)
        return DestinationVendor(found.vendor)

    given = _secrets(session.run(vendor_of)) if secrets else None

    async def work(opened: Session) -> StoredDestination:
        scope = await opened.space(space)
        return await opened.cases.destinations.change(scope, name, text, given)

    print_json(_as_json(session.run(work)))


@app.command("pause")
def pause_command(name: _Name, space: _Space) -> None:
    """Send nothing to a destination until it is resumed."""

    async def work(opened: Session) -> StoredDestination:
        return await opened.cases.destinations.pause(await opened.space(space), name)

    print_json(_as_json(session.run(work)))


@app.command("resume")
def resume_command(name: _Name, space: _Space) -> None:
    """Send to a destination again."""

    async def work(opened: Session) -> StoredDestination:
        return await opened.cases.destinations.resume(await opened.space(space), name)

    print_json(_as_json(session.run(work)))


@app.command("delete")
def delete_command(name: _Name, space: _Space) -> None:
    """Forget a destination, and what it holds; there nothing is deleted."""

    async def work(opened: Session) -> None:
        await opened.cases.destinations.delete(await opened.space(space), name)

    session.run(work)
    print_line(f"The destination “{name}” is deleted.")


@app.command("dry-run")
def dry_run_command(
    name: _Name,
    space: _Space,
    everybody: Annotated[
        bool, typer.Option("--everybody", help="As a sync would: the first 1,000 customers.")
    ] = False,
) -> None:
    """Print the requests that would be sent now, as JSON, and send nothing."""

    async def work(opened: Session) -> DryRun:
        destinations = opened.cases.destinations
        found_one = await destinations.find(await opened.space(space), name)
        return await destinations.dry_run(found_one, everybody=everybody)

    found = session.run(work)
    print_json({"customers": found.customers, "requests": [dict(each) for each in found.requests]})


@app.command("sync")
def sync_command(name: _Name, space: _Space) -> None:
    """Have every customer looked at, and what differs sent: by `serve`, in the background."""

    async def work(opened: Session) -> StoredDestination:
        return await opened.cases.destinations.sync(await opened.space(space), name)

    print_json(_as_json(session.run(work)))


@app.command("dead-letters")
def dead_letters_command(
    name: _Name,
    space: _Space,
    after: Annotated[str, typer.Option(help="Only those whose record comes after this one.")] = "",
    first: Annotated[int, typer.Option(min=1, max=MAX_LISTED, help="How many at most.")] = 100,
    as_json: _Json = False,
) -> None:
    """List what a destination refused, and why."""

    async def work(opened: Session) -> Page[StoredRecord]:
        destinations = opened.cases.destinations
        found = await destinations.find(await opened.space(space), name)
        return await destinations.dead_letters(found, after, first)

    page = session.run(work)
    if as_json:
        print_json({"records": [_record_as_json(each) for each in page.items], "more": page.more})
        return
    for each in page.items:
        print_line(f"{each.record}: {each.answer}")
    if not page.items:
        print_line("There are no dead letters.")
    if page.more:
        print_line(f"There are more than {first}.")


@app.command("events")
def events_command(
    name: _Name,
    space: _Space,
    state: Annotated[EventState, typer.Option(help="Which.")] = EventState.DEAD,
    after: Annotated[str, typer.Option(help="Only those whose message id comes after it.")] = "",
    first: Annotated[int, typer.Option(min=1, max=MAX_LISTED, help="How many at most.")] = 100,
    as_json: _Json = False,
) -> None:
    """List events of a destination, and what was answered."""

    async def work(opened: Session) -> Page[StoredEvent]:
        destinations = opened.cases.destinations
        found = await destinations.find(await opened.space(space), name)
        # The key of an event goes on after its message id, with a tab.
        place = f"{after}\n" if after else ""
        return await destinations.events_in(found, state, place, first)

    page = session.run(work)
    if as_json:
        print_json({"events": [_event_as_json(each) for each in page.items], "more": page.more})
        return
    for each in page.items:
        print_line(f"{each.message_id} ({each.record}): {each.answer or each.state}")
    if not page.items:
        print_line("There are no such events.")
    if page.more:
        print_line(f"There are more than {first}.")


@app.command("send-again")
def send_again_command(
    name: _Name,
    space: _Space,
    records: Annotated[
        list[str] | None, typer.Argument(metavar="[RECORD]…", help="Only these records.")
    ] = None,
    events: Annotated[
        list[str] | None,
        typer.Option(
            "--event", metavar="MESSAGE_ID", help="Only these events, also those that are unknown."
        ),
    ] = None,
) -> None:
    """Have dead letters sent again, as the customers are by now."""

    async def work(opened: Session) -> SentAgain:
        scope = await opened.space(space)
        return await opened.cases.destinations.send_again(
            scope, name, records or None, events or None
        )

    sent = session.run(work)
    print_line(f"{sent.records:,} records and {sent.events:,} events are sent again.")


def _secrets(vendor: DestinationVendor) -> dict[str, str]:
    """The secrets that a vendor asks for; one that may be left out is an empty line, or none."""
    rules = rules_of(vendor)
    names = (*rules.secrets, *rules.optional_secrets)
    if sys.stdin.isatty():
        given = {
            name: str(typer.prompt(f"Secret “{name}”", hide_input=True, default=""))
            for name in names
        }
    else:
        given = {name: sys.stdin.readline().rstrip("\r\n") for name in names}
    return {name: value for name, value in given.items() if value}


def _state(found: StoredDestination) -> str:
    if found.paused_at is not None:
        who = found.paused_by or "the service"
        why = f": {found.paused_reason}" if found.paused_reason else ""
        return f"paused since {iso(found.paused_at)} by {who}{why}"
    if found.is_syncing:
        return f"looking at all customers, {found.sync_marked:,} so far"
    return "active"


def _table(page: Page[StoredDestination]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("destination", "vendor", "state"):
        table.add_column(column, overflow="fold")
    for each in page.items:
        table.add_row(Text(each.key.name), Text(each.vendor), Text(_state(each)))
    return table


def _as_json(
    found: StoredDestination, progress: DestinationProgress | None = None
) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": found.key.name,
        "space": found.key.space,
        "vendor": found.vendor,
        "definition": found.definition,
        "createdAt": iso(found.created_at),
        "createdBy": found.created_by,
        "pausedAt": _moment(found.paused_at),
        "pausedBy": found.paused_by,
        "pausedReason": found.paused_reason,
        "syncBegunAt": _moment(found.sync_begun_at),
        "syncMarked": found.sync_marked,
        "syncDoneAt": _moment(found.sync_done_at),
    }
    if progress is not None:
        shown |= {
            "records": dict(progress.records),
            "events": dict(progress.events),
            "waiting": progress.waiting,
        }
    return shown


def _record_as_json(record: StoredRecord) -> dict[str, Any]:
    return {
        "record": record.record,
        "customerId": record.customer_id,
        "answer": record.answer,
        "request": record.request,
    }


def _event_as_json(event: StoredEvent) -> dict[str, Any]:
    return {
        "messageId": event.message_id,
        "customerId": event.customer_id,
        "record": event.record,
        "state": event.state,
        "sentAt": _moment(event.sent_at),
        "answer": event.answer,
        "request": event.request,
    }


def _moment(at: int | None) -> str | None:
    return None if at is None else iso(at)
