"""`identity-service sandbox …`: a copy of one space in a Neo4j of its own."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from identity_service import session
from identity_service.cli.journey_params import Params, params_line, read_params
from identity_service.cli.output import print_json, print_line
from identity_service.cli.steps import Steps
from identity_service.domain.journeys.journeys import JOURNEYS, journey
from identity_service.graph import schema
from identity_service.graph.database import Database
from identity_service.runtime import sandbox
from identity_service.runtime.admin import Done
from identity_service.runtime.login import USER
from identity_service.runtime.sandbox import Sandbox
from identity_service.services.kit.clock import system_clock
from identity_service.session import Session
from identity_service.settings import Settings

app = typer.Typer(
    help="A copy of one space in a Neo4j of its own, to do there whatever you like.",
    no_args_is_help=True,
)

AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]

INDEX_POLL_INTERVAL_S = 2.0
"""Seconds between two looks at how far the indexes are: a look takes time from building them."""

CONNECT = """\
Neo4j Browser, Desktop   {uri}, user {user}, password {password}
parameters of journeys   identity-service sandbox parameters JOURNEY
Jupyter, pandas          from neo4j import GraphDatabase, Result
                         driver = GraphDatabase.driver("{uri}", auth=("{user}", "{password}"))
                         driver.execute_query("MATCH (c:Customer) RETURN c.kind, count(*)",
                                              result_transformer_=Result.to_df)
GDS client               from graphdatascience import GraphDataScience
                         gds = GraphDataScience("{uri}", auth=("{user}", "{password}"))
                         It needs the GDS plugin, which is no part of Neo4j Community."""


@app.command("start")
def start_command(
    space: Annotated[str, typer.Option(help="The space to copy.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Bolt port; 0: a free one.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Copy a space into a Neo4j of its own, and say how to connect to it.

    It stays until `sandbox stop`. A sandbox that was stopped is started again as it was left;
    `sandbox refresh` copies anew.
    """
    settings = Settings()
    if sandbox.find(settings) is None:
        _copy(settings, space, port=port)
    else:
        sandbox.start(settings, space, port=port)
    _show(sandbox.require(settings), running=True, as_json=as_json)


@app.command("refresh")
def refresh_command(as_json: AsJson = False) -> None:
    """Copy the space anew; the new copy takes the old one's place, port and password at the end.

    Whatever was written into the sandbox is gone then.
    """
    settings = Settings()
    _copy(settings, sandbox.require(settings).space, anew=True)
    _show(sandbox.require(settings), running=True, as_json=as_json)


@app.command("stop")
def stop_command(
    remove: Annotated[bool, typer.Option("--remove", help="Delete its data, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Stop the sandbox."""
    stopped = sandbox.stop(Settings(), remove=remove)
    if as_json:
        print_json({"stopped": stopped, "removed": remove})
        return
    print_line("The sandbox is stopped." if stopped else "The sandbox was not running.")
    if remove:
        print_line("Its data is deleted.")


@app.command("status")
def status_command(as_json: AsJson = False) -> None:
    """Say what the sandbox holds, whether it runs, and how to connect to it."""
    settings = Settings()
    found = sandbox.find(settings)
    if found is not None:
        _show(found, running=sandbox.is_running(settings, found), as_json=as_json)
    elif as_json:
        print_json({"running": False, "space": None})
    else:
        print_line("There is no sandbox.")


@app.command("parameters")
def parameters_command(
    name: Annotated[str, typer.Argument(metavar="JOURNEY", help="`journeys list` shows them.")],
    param: Params = None,
) -> None:
    """Print the line that sets a journey's parameters in Neo4j Browser, as `journeys run` would.

    Paste it, then the file of the journey. An identifier is to be spelled as events spell it.
    """
    space = sandbox.require(Settings()).space
    arguments = journey(name).arguments(read_params(name, param or ()), system_clock())
    print_line(params_line(space, arguments))


def _copy(settings: Settings, space: str, *, port: int = 0, anew: bool = False) -> None:
    async def work(opened: Session) -> None:
        scope = await opened.space(space)
        with (
            Steps.shown() as steps,
            sandbox.rebuilt(settings, space, system_clock(), anew=anew) as rebuilding,
        ):
            copied, arguments = await opened.cases.copying.copy(
                scope, rebuilding.files, steps.counted
            )
            rebuilding.load(arguments, steps.share("importing"))
            steps.begin("starting")
            reached = rebuilding.start(copied, port=port)
            async with await Database.open(reached) as target:
                await _build_indexes(target, steps.share("building indexes"))

    session.run(work)


async def _build_indexes(target: Database, done: Done) -> None:
    building = asyncio.create_task(schema.apply(target))
    try:
        while not (await asyncio.wait((building,), timeout=INDEX_POLL_INTERVAL_S))[0]:
            done(await schema.built(target))
        await building
        done(1)
    finally:
        building.cancel()


def _show(found: Sandbox, *, running: bool, as_json: bool) -> None:
    facts: dict[str, Any] = {
        "running": running,
        "space": found.space,
        "uri": found.uri,
        "user": USER,
        "password": found.password,
        "copied_at": datetime.fromtimestamp(found.copied_at / 1000, UTC).isoformat(),
        "copied": dict(found.copied),
        "parameters": {
            name: {"w": each.prepared(found.space, system_clock())}
            for name, each in JOURNEYS.items()
        },
    }
    if as_json:
        print_json(facts)
        return
    held = ", ".join(f"{number:,} {what}" for what, number in found.copied.items())
    print_line(f"A copy of the space “{found.space}” of {facts['copied_at'][:19]} UTC: {held}.")
    if running:
        print_line(CONNECT.format(**facts))
    else:
        print_line("It does not run: `identity-service sandbox start` starts it as it was left.")
