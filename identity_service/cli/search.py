"""`identity-service search`: anybody, by a piece of what is known of them."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from identity_service import session
from identity_service.cli.output import print_json, print_line, results
from identity_service.services.read.search import MAX_FOUND, FoundCustomer
from identity_service.session import Session


def search(
    text: Annotated[
        str, typer.Argument(help="A piece of a name, an e-mail, a phone or order number, an id.")
    ],
    space: Annotated[str, typer.Option(help="The space to look in.")],
    first: Annotated[int, typer.Option(min=1, max=MAX_FOUND, help="How many at most.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Find customers by a piece of what is known of them, the closest first, and say why."""

    async def work(opened: Session) -> tuple[list[FoundCustomer], bool]:
        scope = await opened.space(space)
        page = await opened.cases.search.find(scope, text, 0, first)
        return list(page.items), page.more

    found, more = session.run(work)
    if as_json:
        print_json([_as_json(each) for each in found])
        return
    if not found:
        print_line(f"Nobody in the space “{space}” is known by anything like “{text}”.")
        return
    table = Table("customer", "found by")
    for each in found:
        why = "\n".join(f"{match.name}  {match.value}" for match in each.matches)
        table.add_row(Text(each.customer_id), Text(why))
    results().print(table)
    if more:
        print_line("There are more: give more of it, or a larger --first.")


def _as_json(found: FoundCustomer) -> dict[str, object]:
    matches = [
        {"name": match.name, "value": match.value, "likeness": match.likeness.name}
        for match in found.matches
    ]
    return {"customerId": found.customer_id, "matches": matches}
