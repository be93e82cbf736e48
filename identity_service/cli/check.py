"""`identity-service check`: is everything there, and does the database answer?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, NamedTuple

import typer
from rich.table import Table
from rich.text import Text

from identity_service import session
from identity_service.cli.check_space import check_space
from identity_service.cli.output import print_json, results
from identity_service.domain.policies.parse import preset, preset_names
from identity_service.errors import IdentityServiceError
from identity_service.graph import schema
from identity_service.graph.statements import load, statement_names
from identity_service.runtime.jars import lib_dir, missing
from identity_service.runtime.java import find_java
from identity_service.runtime.lock import read_lock
from identity_service.session import Session
from identity_service.settings import Settings


class Finding(NamedTuple):
    """What was found out about one part."""

    part: str
    ok: bool
    found: str


def check(
    space: Annotated[
        str | None,
        typer.Option(help="Look instead whether the customers of a space are what they should be."),
    ] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Of a space: settle anew what is not as it should be.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Load every part of the service, and ask the database for an answer."""
    if space is not None:
        check_space(space, repair=repair, as_json=as_json)
        return
    if repair:
        raise typer.BadParameter("It needs a space to repair: --space NAME.")
    parts: tuple[tuple[str, Callable[[], str]], ...] = (
        ("statements", _statements),
        ("schema files", lambda: f"{len(schema.schema_files())} files"),
        ("policy presets", _presets),
        ("GraphQL", _graphql),
        ("explorer", _explorer),
        ("database", _database),
    )
    findings = [_finding(part, look) for part, look in parts]
    if as_json:
        print_json([finding._asdict() for finding in findings])
    else:
        results().print(_table(findings))
    bad = [finding.part for finding in findings if not finding.ok]
    if bad:
        raise IdentityServiceError(f"Not in order: {', '.join(bad)}.", remedy="See above.")


def _finding(part: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(part, ok=True, found=look())
    except IdentityServiceError as error:
        return Finding(part, ok=False, found=str(error))


def _statements() -> str:
    return f"{len([load(name) for name in statement_names()])} statements"


def _presets() -> str:
    return ", ".join(name for name in preset_names() if preset(name))


def _graphql() -> str:
    from identity_service.api.graphql.schema import build_schema

    return f"{len(build_schema().as_str().splitlines())} lines of schema"


def _explorer() -> str:
    from identity_service.api.graphql import explorer

    return f"{len(explorer.page().body):,} bytes of page, with its files"


def _database() -> str:
    settings = Settings()
    if settings.neo4j_uri is None:
        find_java()
        if missing(lib_dir(settings.cache_dir), read_lock()):
            return "not fetched yet: `identity-service neo4j fetch` does, or the first start"

    async def work(opened: Session) -> None:
        await opened.database.ping()

    session.run(work)
    return f"answers at {settings.neo4j_uri}" if settings.neo4j_uri else "the managed Neo4j answers"


def _table(findings: list[Finding]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for part, ok, found in findings:
        table.add_row(Text("ok", "green") if ok else Text("failed", "red"), part, Text(found))
    return table
