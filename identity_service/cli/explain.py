"""`identity-service explain`: why are these two one customer, or why are they not?"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text
from rich.tree import Tree

from identity_service.cli import arguments, opened
from identity_service.cli.opened import Opened
from identity_service.cli.output import print_json, results
from identity_service.domain.explanation import ExplainedHop, Explanation
from identity_service.domain.moments import iso
from identity_service.domain.recorded import OverConnectedComponent
from identity_service.errors import NotFound, TooLarge
from identity_service.services.customers import Missing


def explain(
    a: Annotated[str, typer.Argument(metavar="TYPE:VALUE")],
    b: Annotated[str, typer.Argument(metavar="TYPE:VALUE")],
    space: Annotated[str, typer.Option(help="The space to look in.")],
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show why two identifiers are one customer, or why they are not."""
    asked = arguments.identifier(a), arguments.identifier(b)

    async def work(its: Opened) -> Explanation | Missing | OverConnectedComponent:
        return await its.cases.explanations.explain(await its.space(space), *asked)

    found = opened.run(work)
    if isinstance(found, Missing):
        raise NotFound(found.message, remedy=f"Nothing is known of it in the space “{space}”.")
    if isinstance(found, OverConnectedComponent):
        raise TooLarge(
            f"More than {found.limit:,} identifiers hang together here.",
            remedy="Block the identifiers that have the most links.",
        )
    if as_json:
        print_json(_plain(found))
    else:
        results().print(_tree(found))


def _tree(found: Explanation) -> Tree:
    """The sentence, and below it each step deeper than the one before."""
    tree = Tree(Text(found.message, style="bold"))
    branch = tree.add(Text(str(found.path[0].start))) if found.path else tree
    for hop in found.path:
        mark, style = ("✓", "green") if hop.decision.joined else ("✗", "red")
        branch = branch.add(Text(f"{mark} {hop.end}", style=style))
        branch.add(Text(f"{_seen(hop)}{hop.decision.message}", style="dim"))
    return tree


def _seen(hop: ExplainedHop) -> str:
    if hop.link is None:
        return ""
    first, last = iso(hop.link.first_seen)[:10], iso(hop.link.last_seen)[:10]
    return f"{first}. " if first == last else f"{first} to {last}. "


def _plain(found: Explanation) -> dict[str, Any]:
    return {
        "sameCustomer": found.same_customer,
        "message": found.message,
        "path": [
            {
                "a": hop.start._asdict(),
                "b": hop.end._asdict(),
                "firstSeen": iso(hop.link.first_seen) if hop.link else None,
                "lastSeen": iso(hop.link.last_seen) if hop.link else None,
                "timesSeen": hop.link.times_seen if hop.link else 0,
                "joined": hop.decision.joined,
                "reason": hop.decision.reason.value if hop.decision.reason else None,
                "conflict": [identifier._asdict() for identifier in hop.decision.conflict],
                "message": hop.decision.message,
            }
            for hop in found.path
        ],
    }
