"""`identity-service neo4j …`: the managed Neo4j from the command line."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from identity_service.errors import IdentityServiceError
from identity_service.runtime import server
from identity_service.runtime.aot_cache import train
from identity_service.runtime.jars import fetch, lib_dir, missing, version_dir
from identity_service.runtime.lock import VERSION, read_lock
from identity_service.runtime.login import USER
from identity_service.settings import Settings

app = typer.Typer(help="The managed local Neo4j.", no_args_is_help=True)


@app.command("fetch")
def fetch_command() -> None:
    """Download Neo4j into the cache, verify it, and prepare its fast start."""
    settings = Settings()
    with _one_line_errors():
        fetch(settings.cache_dir)
        with Console(stderr=True).status("Preparing the fast start, about 30 s"):
            train(settings)
    typer.echo(f"Neo4j {VERSION} is in {version_dir(settings.cache_dir)}.")


@app.command("start")
def start_command(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Bolt port; 0: a free one.")] = 0,
) -> None:
    """Start Neo4j; it stays until `neo4j stop`. Prints its Bolt address.

    It asks for a login, which `neo4j status` shows; this service finds it by itself.
    """
    with _one_line_errors():
        running = server.start(Settings(), port=port, detached=True)
    typer.echo(running.uri)
    typer.echo(f"Log in as {USER}; `identity-service neo4j status` shows the password.", err=True)


@app.command("stop")
def stop_command() -> None:
    """Stop Neo4j, whoever started it."""
    with _one_line_errors():
        stopped = server.stop(Settings())
    typer.echo("Neo4j is stopped." if stopped else "Neo4j was not running.")


@app.command("status")
def status_command(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say whether Neo4j runs, where, with which login, and on which data."""
    settings = Settings()
    with _one_line_errors():
        state = server.status(settings)
        facts = {
            "running": state is not None,
            "uri": state.uri if state else None,
            "user": USER if state else None,
            "password": state.password if state else None,
            "pid": state.process.pid if state else None,
            "owner_pid": state.owner.pid if state and state.owner else None,
            "version": VERSION,
            "data": str(server.server_home(settings)),
            "cache": str(version_dir(settings.cache_dir)),
            "fetched": not missing(lib_dir(settings.cache_dir), read_lock()),
        }
    if as_json:
        typer.echo(json.dumps(facts))
        return
    console = Console(soft_wrap=True, highlight=False)
    for name, value in facts.items():
        shown = "-" if value is None else str(value)
        console.print(Text.assemble((f"{name.replace('_', ' '):<11}", "bold"), shown))


@contextmanager
def _one_line_errors() -> Generator[None]:
    try:
        yield
    except IdentityServiceError as error:
        typer.echo(" ".join(str(error).split()), err=True)
        raise typer.Exit(1) from error
