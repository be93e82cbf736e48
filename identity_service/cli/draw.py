"""`identity-service draw …`: pictures of one customer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from identity_service import session
from identity_service.cli import arguments
from identity_service.cli.output_files import PictureFormat, encode, write_file
from identity_service.domain.identifiers import Identifier
from identity_service.pictures import draw_customer_timeline, draw_graph
from identity_service.services.read.customer_graph import customer_graph, customer_timeline
from identity_service.services.read.view import CustomerView
from identity_service.session import Session

T = TypeVar("T")

app = typer.Typer(help="Pictures of one customer.", no_args_is_help=True)


Who = Annotated[str, typer.Argument(metavar="TYPE:VALUE", help="Any identifier of the customer.")]
Space = Annotated[str, typer.Option(help="The space to look in.")]
FileFormat = Annotated[PictureFormat, typer.Option("--format", help="How the picture is written.")]
Output = Annotated[
    Path | None,
    typer.Option(
        dir_okay=False,
        help="A file, instead of standard output. What would go to a terminal is written to "
        "graph.FORMAT or timeline.FORMAT.",
    ),
]


@app.command("graph")
def graph_command(
    who: Who, space: Space, file_format: FileFormat = PictureFormat.HTML, output: Output = None
) -> None:
    """Draw the identifiers of a customer and their links, also those that were refused."""
    graph = _read(who, space, customer_graph)
    write_file(encode(draw_graph(graph), file_format), output, f"graph.{file_format}")


@app.command("timeline")
def timeline_command(
    who: Who, space: Space, file_format: FileFormat = PictureFormat.HTML, output: Output = None
) -> None:
    """Draw the latest events of a customer, device by device and session by session."""
    timeline = _read(who, space, customer_timeline)
    write_file(
        encode(draw_customer_timeline(timeline), file_format), output, f"timeline.{file_format}"
    )


def _read(who: str, space: str, read: Callable[[CustomerView, Identifier], Awaitable[T]]) -> T:
    identifier = arguments.identifier(who)

    async def work(opened: Session) -> T:
        return await read(opened.cases.customers.current(await opened.space(space)), identifier)

    return session.run(work)
