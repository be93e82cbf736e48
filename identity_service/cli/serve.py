"""`identity-service serve`."""

from __future__ import annotations

from typing import Annotated

import typer

from identity_service.settings import Settings


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; default IDENTITY_HOST.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port; 0: a free one; default IDENTITY_PORT."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that answer.")] = 1,
) -> None:
    """Serve the API until SIGTERM or Ctrl-C.

    Starts the managed Neo4j unless IDENTITY_NEO4J_URI names a server, and stops it at the end.
    """
    from identity_service.app import run

    named = {"host": host, "port": port}
    given = {name: value for name, value in named.items() if value is not None}
    run(Settings().model_copy(update=given), workers)
