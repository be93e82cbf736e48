"""`identity-service source …`: who sends events, and how much of it is taken."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Annotated, TypeVar

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from identity_service import session
from identity_service.cli import json_objects, source_rules
from identity_service.cli.output import notices, print_json, results
from identity_service.domain.policies.durations import DURATION_HELP, parse_duration
from identity_service.domain.recorded import Page
from identity_service.domain.sources import Source, SourceStatistics
from identity_service.domain.timestamps import iso
from identity_service.graph import schema
from identity_service.services.spaces.access import Caller
from identity_service.services.spaces.sources import MAX_DAYS, RotatedKey, Sources
from identity_service.services.spaces.spaces import CreatedSource
from identity_service.services.write.replays import ReplayProgress
from identity_service.session import Session

T = TypeVar("T")

MAX_LISTED = 500

_Source = Annotated[str, typer.Argument(metavar="SOURCE", help="The sender, by its name.")]
_Json = Annotated[bool, typer.Option("--json", help="For programs.")]

app = typer.Typer(
    help="Sources: who sends events, into which spaces, with which keys.", no_args_is_help=True
)
app.add_typer(source_rules.app, name="rules")


@app.command("list")
def list_command(
    space: Annotated[str | None, typer.Option(help="Only those that feed this space.")] = None,
    after: Annotated[str, typer.Option(help="Only those whose name comes after this one.")] = "",
    first: Annotated[int, typer.Option(min=1, max=MAX_LISTED, help="How many at most.")] = 100,
    as_json: _Json = False,
) -> None:
    """List sources by name."""

    async def work(opened: Session) -> Page[Source]:
        sources, access = opened.cases.sources, opened.cases.access
        if space is None:
            return await sources.all(access.operator(), after, first)
        return await sources.of_space(await opened.space(space), after, first)

    page = session.run(work)
    if as_json:
        found = [json_objects.source(each) for each in page.items]
        print_json({"sources": found, "more": page.more})
        return
    results().print(_table(page) if page.items else "There are no sources.")
    if page.more:
        results().print(f"There are more than {first}.")


@app.command("show")
def show_command(source: _Source, as_json: _Json = False) -> None:
    """Show a source."""

    async def work(opened: Session) -> Source:
        return await opened.cases.sources.find(opened.cases.access.operator(), source)

    _show(session.run(work), as_json=as_json)


@app.command("stats")
def stats_command(
    source: _Source,
    days: Annotated[
        int, typer.Option(min=1, max=MAX_DAYS, help="Of so many days, today's included.")
    ] = 30,
    as_json: _Json = False,
) -> None:
    """Show what a source sent, and what became of it."""

    async def work(opened: Session) -> tuple[Source, SourceStatistics]:
        sources = opened.cases.sources
        found = await sources.find(opened.cases.access.operator(), source)
        return found, await sources.statistics(found, days)

    found, statistics = session.run(work)
    if as_json:
        print_json(json_objects.source_statistics(statistics))
        return
    results().print(_statistics_table(found, statistics))


@app.command("replay")
def replay_command(
    source: _Source,
    into: Annotated[str, typer.Option(help="The space that gets the events.")],
    space: Annotated[
        str | None,
        typer.Option(help="Whose events they are.", show_default="the one that the source feeds"),
    ] = None,
    as_json: _Json = False,
) -> None:
    """Send all that a source sent into another space, oldest first.

    A replay that was stopped goes on where it was. Running it again sends what has come since.
    """

    async def work(opened: Session) -> ReplayProgress:
        await schema.apply(opened.database)
        scope = await opened.space(space or await _only_space(opened, source))
        target = await opened.space(into)
        last = ReplayProgress(0, 0)
        with _bar() as bar:
            task = bar.add_task("", total=None)
            async for last in opened.cases.replays.replay(scope, source, target):
                bar.update(task, completed=last.sent, total=last.total)
        return last

    done = session.run(work)
    if as_json:
        print_json({"sent": done.sent, "total": done.total})
    else:
        results().print(f"{done.sent:,} events of “{source}” are in “{into}”.")


@app.command("create")
def create_command(
    name: Annotated[str, typer.Argument(help="a-z, 0-9, “-” and “_”, 1 to 63 of them.")],
    space: Annotated[
        list[str], typer.Option(help="A space that it feeds; may be given several times.")
    ],
    region: Annotated[
        str | None,
        typer.Option(metavar="COUNTRY", help="Of its national phone numbers, as NL is."),
    ] = None,
    snowplow_app_id: Annotated[
        str | None,
        typer.Option(metavar="ID", help="By which Snowplow's trackers name it."),
    ] = None,
) -> None:
    """Create a source and print its write key, which is shown only now, as JSON."""

    async def work(opened: Session) -> CreatedSource:
        await schema.apply(opened.database)
        operator = opened.cases.access.operator()
        return await opened.cases.spaces.create_source(
            operator, name, space, region, snowplow_app_id
        )

    made = session.run(work)
    print_json({"name": made.name, "spaces": list(made.spaces), "writeKey": made.write_key})


@app.command("pause")
def pause_command(source: _Source, as_json: _Json = False) -> None:
    """Take no events of a source for now: it is answered 503, and most SDKs keep what they have."""

    async def pause(sources: Sources, caller: Caller, space: str) -> Source:
        return await sources.pause(caller, space, source)

    _show(_changed(source, pause), as_json=as_json)


@app.command("resume")
def resume_command(source: _Source, as_json: _Json = False) -> None:
    """Take events of a source again."""

    async def resume(sources: Sources, caller: Caller, space: str) -> Source:
        return await sources.resume(caller, space, source)

    _show(_changed(source, resume), as_json=as_json)


@app.command("limit")
def limit_command(
    source: _Source,
    events_per_second: Annotated[
        float | None, typer.Argument(metavar="EVENTS", help="A second, to each process.")
    ] = None,
    unlimited: Annotated[bool, typer.Option("--none", help="Take the limit away.")] = False,
    as_json: _Json = False,
) -> None:
    """Limit how many events a second a source may send: beyond, it is answered 429."""
    if (events_per_second is None) is not unlimited:
        raise typer.BadParameter("Give a number of events a second, or --none.")

    async def limit(sources: Sources, caller: Caller, space: str) -> Source:
        return await sources.limit(caller, space, source, events_per_second)

    _show(_changed(source, limit), as_json=as_json)


@app.command("rotate-key")
def rotate_key_command(
    source: _Source,
    grace: Annotated[
        str,
        typer.Option(
            metavar="DURATION", help=f"How long the keys before stay good: {DURATION_HELP}, or 0."
        ),
    ] = "24h",
) -> None:
    """Make a new write key and print it, which is shown only now, as JSON."""
    grace_s = _seconds(grace)

    async def rotate(sources: Sources, caller: Caller, space: str) -> RotatedKey:
        return await sources.rotate_key(caller, space, source, grace_s)

    made = _changed(source, rotate)
    print_json({"source": json_objects.source(made.source), "writeKey": made.write_key})


@app.command("spaces")
def spaces_command(
    source: _Source,
    spaces: Annotated[
        list[str], typer.Argument(metavar="SPACE…", help="All spaces that it is to feed.")
    ],
    as_json: _Json = False,
) -> None:
    """Have the events of a source enter exactly these spaces from now on."""

    async def feed(sources: Sources, caller: Caller, space: str) -> Source:
        return await sources.feed(caller, space, source, spaces)

    _show(_changed(source, feed), as_json=as_json)


def _seconds(text: str) -> int:
    """Seconds of a duration, 0 for none; anything else is wrong usage."""
    if text.strip() == "0":
        return 0
    try:
        return parse_duration(text) // 1_000
    except ValueError as error:
        raise typer.BadParameter(f"{error}.") from None


def _changed(source: str, change: Callable[[Sources, Caller, str], Awaitable[T]]) -> T:
    """What a change of a source comes to, made by the instance administrator."""

    async def work(opened: Session) -> T:
        await schema.apply(opened.database)
        sources, operator = opened.cases.sources, opened.cases.access.operator()
        found = await sources.find(operator, source)
        return await change(sources, operator, found.spaces[0])

    return session.run(work)


def _show(found: Source, *, as_json: bool) -> None:
    if as_json:
        print_json(json_objects.source(found))
        return
    console = results()
    console.print(Text(f"{found.name}, {_state(found)}", style="bold"), soft_wrap=True)
    console.print(Text(f"  feeds {', '.join(found.spaces)}"), soft_wrap=True)
    if found.region is not None:
        console.print(Text(f"  national phone numbers are of {found.region}"), soft_wrap=True)
    if found.rules:
        console.print(Text(f"  read by version {found.rules_version} of its rules"), soft_wrap=True)
    for key in found.keys:
        until = "" if key.good_until is None else f", good until {iso(key.good_until)}"
        console.print(Text(f"  key of {iso(key.created_at)}{until}"), soft_wrap=True)
    if found.vendor is not None:
        console.print(Text(f"  fed by webhooks of {found.vendor}"), soft_wrap=True)
    elif not found.keys:
        console.print(Text("  no key is good: `rotate-key` makes one"), soft_wrap=True)


async def _only_space(opened: Session, source: str) -> str:
    found = await opened.cases.sources.find(opened.cases.access.operator(), source)
    if len(found.spaces) != 1:
        raise typer.BadParameter("It feeds several spaces: name one with --space.")
    return found.spaces[0]


@contextmanager
def _bar() -> Generator[Progress]:
    """A bar of the events; only on a terminal."""
    console = notices()
    columns = (TextColumn("replaying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield progress


def _statistics_table(found: Source, statistics: SourceStatistics) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    mean, longest = statistics.mean_lag_ms, statistics.longest_lag_ms
    rows = [
        ("received", f"{statistics.received:,}"),
        ("accepted", f"{statistics.accepted:,}"),
        ("known before", f"{statistics.known:,}"),
        *([("dropped", f"{statistics.dropped:,}")] if statistics.dropped else []),
        *((f"rejected, {code}", f"{n:,}") for code, n in statistics.rejected.items()),
        ("message id collisions", f"{statistics.collisions:,}"),
        ("lag, mean", "" if mean is None else f"{mean / 1_000:,.1f} s"),
        ("lag, longest", "" if longest is None else f"{longest / 1_000:,.1f} s"),
        ("last seen", "never" if found.last_seen is None else iso(found.last_seen)),
    ]
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _state(found: Source) -> str:
    if found.paused_at is not None:
        return f"paused since {iso(found.paused_at)} by {found.paused_by}"
    if found.events_per_s is not None:
        return f"at most {found.events_per_s:g} events/s"
    return "active"


def _table(page: Page[Source]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("source", "spaces", "state", "keys", "created"):
        table.add_column(column, overflow="fold")
    for found in page.items:
        others = ["…"] if found.feeds_other_spaces else []
        table.add_row(
            *(
                Text(cell)
                for cell in (
                    found.name,
                    ", ".join([*found.spaces, *others]),
                    _state(found),
                    str(len(found.keys)),
                    iso(found.created_at)[:10],
                )
            )
        )
    return table
