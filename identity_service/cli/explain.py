"""`identity-service explain`: why are these two one customer, or why are they not?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import Group
from rich.padding import Padding
from rich.text import Text
from rich.tree import Tree

from identity_service import session
from identity_service.cli import arguments, json_objects
from identity_service.cli.output import print_json, results
from identity_service.domain.recorded import DecidedLink, OverConnectedComponent, SeenIdentifier
from identity_service.domain.timestamps import iso_date
from identity_service.errors import NotFound
from identity_service.services.read.explanations import ExplainAnswer, ExplainedPair
from identity_service.services.read.view import Missing
from identity_service.services.resolution.component_resolver import too_much
from identity_service.session import Session


def explain(
    a: Annotated[str, typer.Argument(metavar="TYPE:VALUE")],
    b: Annotated[str, typer.Argument(metavar="TYPE:VALUE")],
    space: Annotated[str, typer.Option(help="The space to look in.")],
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show why two identifiers are one customer, or why they are not."""
    asked = arguments.identifier(a), arguments.identifier(b)

    async def work(opened: Session) -> ExplainAnswer:
        view = opened.cases.customers.current(await opened.space(space))
        return await opened.cases.explanations.explain(view, *asked)

    found = session.run(work)
    if isinstance(found, Missing):
        raise NotFound(found.message, remedy=f"Nobody was found in the space “{space}”.")
    if isinstance(found, OverConnectedComponent):
        raise too_much(found.limit)
    if as_json:
        print_json(json_objects.explanation(found))
    else:
        results().print(_tree(found))


def _tree(found: ExplainedPair) -> Tree:
    """The sentence, and below it each step deeper than the one before."""
    tree = Tree(Text(found.message, style="bold"), guide_style="dim")
    branch = tree.add(_end(found.a, found.customer_a))
    for link in found.path:
        joined, last = link.decision.joined, link is found.path[-1]
        sign, style = ("✓", "green") if joined else ("✗", "red")
        label = Text(f"{sign} {link.b.identifier}", style=style)
        if last and not found.same_customer:
            label.append(f"  {found.customer_b}", style="dim")
        below = [
            Padding(Text(line, style="dim" if joined else style), (0, 0, 0, 2))
            for line in _evidence(link)
        ]
        branch = branch.add(Group(label, *below))
    if not found.path and found.a != found.b:
        tree.add(_end(found.b, found.customer_b))
    return tree


def _end(identifier: SeenIdentifier, customer: str) -> Text:
    return Text(str(identifier.identifier)).append(f"  {customer}", style="dim")


def _evidence(link: DecidedLink) -> Iterator[str]:
    """How often a link was seen, and what was decided on it."""
    if link.times_seen:
        times = "once" if link.times_seen == 1 else f"{link.times_seen:,} times"
        first, last = iso_date(link.first_seen), iso_date(link.last_seen)
        when = f"on {first}" if first == last else f"from {first} to {last}"
        yield f"seen together {times}, {when}, by {', '.join(link.sources)}"
    if not (link.decision.joined and link.times_seen) or "judged" in link.decision.message:
        yield link.decision.message
