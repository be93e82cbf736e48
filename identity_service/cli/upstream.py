"""`identity-service upstream …`: what other systems merged or deleted, and what follows from it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from identity_service import session
from identity_service.cli import arguments, json_objects
from identity_service.cli.judgement import show_judged
from identity_service.cli.output import print_json, results
from identity_service.domain.recorded import Page
from identity_service.domain.timestamps import iso_date
from identity_service.domain.upstream import NoticeState, RecordedNotice
from identity_service.graph.ledger import NEWEST
from identity_service.services.write.judgements import Judged
from identity_service.services.write.upstream import RefusedMerge
from identity_service.session import Session

MAX_LISTED = 500

_Space = Annotated[str, typer.Option(help="The space to look in.")]
_Reason = Annotated[str, typer.Option(help="How you know; it stays on record.")]
_Json = Annotated[bool, typer.Option("--json", help="For programs.")]
_First = Annotated[int, typer.Option(min=1, max=MAX_LISTED, help="How many at most.")]
_OnlyOf = Annotated[str | None, typer.Option("--source", help="Only those of this source.")]
_State = Annotated[NoticeState, typer.Option(case_sensitive=False, help="What was decided.")]
_Merge = Annotated[str, typer.Argument(metavar="ID", help="ntc_…, as `merges` shows it.")]

app = typer.Typer(
    help="Upstream notices: what other systems merged, deleted or ask to be forgotten.",
    no_args_is_help=True,
)


@app.command("merges")
def merges_command(
    space: _Space,
    source: _OnlyOf = None,
    state: _State = NoticeState.OPEN,
    first: _First = 50,
    as_json: _Json = False,
) -> None:
    """List what other systems merged, newest first, of each the one first that lives on."""

    async def work(opened: Session) -> Page[RecordedNotice]:
        scope = await opened.space(space)
        return await opened.cases.upstream.merges(scope, state, source, NEWEST, first)

    page = session.run(work)
    if as_json:
        found = [json_objects.upstream_merge(each) for each in page.items]
        print_json({"upstreamMerges": found, "more": page.more})
        return
    _print(page, "There are no such merges.", first)


@app.command("accept")
def accept_command(
    merge: _Merge, space: _Space, reason: _Reason, author: arguments.Author, as_json: _Json = False
) -> None:
    """Judge the two of a merge the same, and show what changed by it."""

    async def work(opened: Session) -> Judged:
        return await opened.cases.upstream.accept(await opened.space(space, author), merge, reason)

    show_judged(session.run(work), as_json=as_json)


@app.command("accept-all")
def accept_all_command(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The sender, by its name.")],
    space: _Space,
    reason: _Reason,
    author: arguments.Author,
    as_json: _Json = False,
) -> None:
    """Accept every open merge of a source."""

    async def work(opened: Session) -> tuple[int, list[RefusedMerge]]:
        scope = await opened.space(space, author)
        accepted, refused, after = 0, list[RefusedMerge](), NEWEST
        while after is not None:
            page = await opened.cases.upstream.accept_all(scope, source, reason, after)
            accepted, after = accepted + page.accepted, page.after
            refused += page.refused
        return accepted, refused

    accepted, refused = session.run(work)
    if as_json:
        stay = [{"id": each.id, "message": each.message} for each in refused]
        print_json({"accepted": accepted, "refused": stay})
        return
    console = results()
    console.print(f"{accepted:,} merges accepted, {len(refused):,} stay open.")
    for each in refused:
        console.print(Text(f"  {each.id}  {each.message}"), soft_wrap=True)


@app.command("dismiss")
def dismiss_command(
    merge: _Merge, space: _Space, reason: _Reason, author: arguments.Author, as_json: _Json = False
) -> None:
    """Decide that nothing follows from a merge, also when it is reported again."""

    async def work(opened: Session) -> RecordedNotice:
        return await opened.cases.upstream.dismiss(await opened.space(space, author), merge, reason)

    found = session.run(work)
    if as_json:
        print_json(json_objects.upstream_merge(found))
        return
    results().print(f"{found.id} is dismissed.")


@app.command("requests")
def requests_command(
    space: _Space,
    source: _OnlyOf = None,
    state: _State = NoticeState.OPEN,
    first: _First = 50,
    as_json: _Json = False,
) -> None:
    """List what other systems deleted or ask to be forgotten, newest first."""

    async def work(opened: Session) -> Page[RecordedNotice]:
        scope = await opened.space(space)
        return await opened.cases.upstream.requests(scope, state, source, NEWEST, first)

    page = session.run(work)
    if as_json:
        found = [json_objects.upstream_request(each) for each in page.items]
        print_json({"upstreamRequests": found, "more": page.more})
        return
    _print(page, "There are no such requests.", first)


@app.command("handled")
def handled_command(
    request: Annotated[str, typer.Argument(metavar="ID", help="ntc_…, as `requests` shows it.")],
    space: _Space,
    reason: Annotated[str, typer.Option(help="What was done; it stays on record.")],
    author: arguments.Author,
    as_json: _Json = False,
) -> None:
    """Say that a request was dealt with. Nothing is deleted by this."""

    async def work(opened: Session) -> RecordedNotice:
        scope = await opened.space(space, author)
        return await opened.cases.upstream.mark_handled(scope, request, reason)

    found = session.run(work)
    if as_json:
        print_json(json_objects.upstream_request(found))
        return
    results().print(f"{found.id} is handled.")


def _print(page: Page[RecordedNotice], none: str, first: int) -> None:
    console = results()
    for each in page.items:
        named = (each.id, iso_date(each.received_at), each.source, each.notice.topic)
        console.print(Text("  ".join(named), style="bold"), soft_wrap=True)
        for identifier in each.notice.identifiers:
            console.print(Text(f"  {identifier}"), soft_wrap=True)
        if each.decided_at is not None:
            decided = f"{each.state.value.lower()} {iso_date(each.decided_at)} by {each.decided_by}"
            console.print(Text(f"  {decided}: {each.reason}", style="dim"), soft_wrap=True)
    if not page.items:
        console.print(none)
    if page.more:
        console.print(f"There are more than {first}.")
