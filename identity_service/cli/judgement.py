"""`identity-service judgement …`: judge two identifiers or an event, and take it back."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from identity_service import session
from identity_service.cli import arguments, differences, json_objects
from identity_service.cli.output import print_json, results
from identity_service.domain.judgements import AnyJudgement, Detachment, Verdict
from identity_service.domain.preview.report import Preview
from identity_service.domain.recorded import Page, RecordedChange
from identity_service.domain.resolution.changes import in_words
from identity_service.domain.timestamps import iso_date
from identity_service.graph.keys import identifier_of
from identity_service.graph.ledger import NEWEST, JudgementFilter
from identity_service.services.read.view import customer_in
from identity_service.services.write.judgements import Judged
from identity_service.session import Session

MAX_LISTED = 500

_Space = Annotated[str, typer.Option(help="The space of the identifiers.")]
_Reason = Annotated[str, typer.Option(help="How you know; it stays on record.")]
_Json = Annotated[bool, typer.Option("--json", help="For programs.")]

app = typer.Typer(
    help="Judgements: say who is one customer, and whose an event is not.", no_args_is_help=True
)


class _OfTwo(StrEnum):
    """The verdicts about two identifiers."""

    SAME = Verdict.SAME.value
    APART = Verdict.APART.value


@app.command("add")
def add_command(
    verdict: Annotated[_OfTwo, typer.Argument(help="Whether they are one customer or two.")],
    a: Annotated[str, typer.Argument(metavar="TYPE:VALUE")],
    b: Annotated[str, typer.Argument(metavar="TYPE:VALUE")],
    space: _Space,
    reason: _Reason,
    author: arguments.Author,
    as_json: _Json = False,
) -> None:
    """Judge two identifiers and show what changed by it."""
    typed = arguments.identifier(a), arguments.identifier(b)

    async def work(opened: Session) -> Judged:
        scope, service = await opened.space(space, author), opened.cases.judgements
        ends = await service.normalise(scope, *typed)
        return await service.judge(scope, Verdict(verdict.value), *ends, reason)

    show_judged(session.run(work), as_json=as_json)


@app.command("detach")
def detach_command(
    message_id: Annotated[str, typer.Argument(metavar="MESSAGE_ID", help="Of the event.")],
    identifier: Annotated[str, typer.Argument(metavar="TYPE:VALUE")],
    space: _Space,
    reason: _Reason,
    author: arguments.Author,
    as_json: _Json = False,
) -> None:
    """Say that an identifier does not name the person on an event, which follows its others."""
    typed = arguments.identifier(identifier)

    async def work(opened: Session) -> Judged:
        scope = await opened.space(space, author)
        return await opened.cases.judgements.detach(scope, message_id, typed, reason)

    show_judged(session.run(work), as_json=as_json)


@app.command("preview")
def preview_command(
    verdict: Annotated[_OfTwo, typer.Argument(help="Whether they are one customer or two.")],
    a: Annotated[str, typer.Argument(metavar="TYPE:VALUE")],
    b: Annotated[str, typer.Argument(metavar="TYPE:VALUE")],
    space: _Space,
    as_json: _Json = False,
) -> None:
    """Show what a judgement would change. Nothing is written."""
    typed = arguments.identifier(a), arguments.identifier(b)

    async def work(opened: Session) -> Preview:
        scope = await opened.space(space)
        previews = opened.cases.judgement_previews
        return (await previews.of_pair(scope, Verdict(verdict.value), *typed)).preview

    _show_preview(session.run(work), as_json=as_json)


@app.command("preview-detach")
def preview_detach_command(
    message_id: Annotated[str, typer.Argument(metavar="MESSAGE_ID", help="Of the event.")],
    identifier: Annotated[str, typer.Argument(metavar="TYPE:VALUE")],
    space: _Space,
    as_json: _Json = False,
) -> None:
    """Show what taking an identifier from an event would change. Nothing is written."""
    typed = arguments.identifier(identifier)

    async def work(opened: Session) -> Preview:
        scope = await opened.space(space)
        return (await opened.cases.judgement_previews.of_event(scope, message_id, typed)).preview

    _show_preview(session.run(work), as_json=as_json)


@app.command("withdraw")
def withdraw_command(
    judgement: Annotated[str, typer.Argument(metavar="ID", help="jdg_…, as `list` shows it.")],
    space: _Space,
    reason: _Reason,
    author: arguments.Author,
    as_json: _Json = False,
) -> None:
    """Take a judgement back; customers and ids are what they would be without it."""

    async def work(opened: Session) -> Judged:
        scope = await opened.space(space, author)
        return await opened.cases.judgements.withdraw(scope, judgement, reason)

    show_judged(session.run(work), as_json=as_json)


@app.command("list")
def list_command(
    space: Annotated[str, typer.Option(help="The space to look in.")],
    author: Annotated[str | None, typer.Option(help="Only those that this one signed.")] = None,
    customer: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Only those about identifiers of this customer."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="Only those made from then on.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="Only those made until then, inclusive.")
    ] = None,
    first: Annotated[int, typer.Option(min=1, max=MAX_LISTED, help="How many at most.")] = 50,
    as_json: _Json = False,
) -> None:
    """List judgements, withdrawn ones too, newest first."""
    which = JudgementFilter(author, arguments.earliest(since), arguments.latest(until))

    async def work(opened: Session) -> Page[AnyJudgement]:
        scope, ledger = await opened.space(space), opened.cases.ledger
        if customer is None:
            return await ledger.judgements(scope, which, NEWEST, first)
        view = opened.cases.customers.current(scope)
        found = customer_in(await view.find_by_id(customer), scope)
        return await ledger.judgements_of(scope, found.customer_id, which, NEWEST, first)

    page = session.run(work)
    if as_json:
        judgements = [json_objects.judgement(made) for made in page.items]
        print_json({"judgements": judgements, "more": page.more})
        return
    results().print(_table(page) if page.items else "There are no judgements.")
    if page.more:
        results().print(f"There are more than {first}.")


def _show_preview(found: Preview, *, as_json: bool) -> None:
    if as_json:
        print_json(json_objects.preview(found))
        return
    console = results()
    console.print(differences.table(found.summary))
    console.print(differences.drawing(found))


def show_judged(judged: Judged, *, as_json: bool) -> None:
    """Say what a judgement came to, and what changed by it."""
    if as_json:
        print_json(
            {
                "judgement": json_objects.judgement(judged.judgement),
                "message": judged.message,
                "changes": [
                    {**json_objects.change(change), "message": _sentence(change)}
                    for change in judged.changes
                ],
            }
        )
        return
    console = results()
    console.print(Text(judged.message, style="bold"), soft_wrap=True)
    for change in judged.changes:
        console.print(Text(f"  {_sentence(change)}"), soft_wrap=True)
    console.print(Text(f"On record as {judged.judgement.id}.", style="dim"), soft_wrap=True)


def _other(made: AnyJudgement) -> str:
    """What was judged besides the first identifier."""
    return f"event {made.message_id}" if isinstance(made, Detachment) else str(made.b)


def _sentence(change: RecordedChange) -> str:
    identifiers = map(identifier_of, change.identifier_keys)
    return in_words(change.kind, change.customer_id, change.other_customer_id, identifiers)


def _table(page: Page[AnyJudgement]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("judgement", "made", "verdict", "identifiers", "author", "reason"):
        table.add_column(column, overflow="fold")
    for made in page.items:
        gone = made.withdrawn_at is not None
        reason = made.reason
        if made.withdrawn_at is not None:
            reason += (
                f"\nwithdrawn {iso_date(made.withdrawn_at)} by {made.withdrawn_by}:"
                f" {made.withdrawn_reason}"
            )
        cells = (
            made.id,
            iso_date(made.made_at),
            made.verdict.value,
            f"{made.a}\n{_other(made)}",
            made.author,
            reason,
        )
        table.add_row(*(Text(cell, style="dim" if gone else "") for cell in cells))
    return table
