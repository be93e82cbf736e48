"""`identity-service schema …`: constraints and indexes."""

from __future__ import annotations

import typer

from identity_service import session
from identity_service.cli.output import print_line
from identity_service.errors import SchemaMismatch
from identity_service.graph import schema
from identity_service.session import Session

app = typer.Typer(help="Constraints and indexes of the graph.", no_args_is_help=True)


@app.command("apply")
def apply_command() -> None:
    """Bring the database to the schema of this version. May be repeated."""

    async def work(opened: Session) -> list[str]:
        return await schema.apply(opened.database)

    applied = session.run(work)
    for name in applied:
        print_line(f"applied {name}")
    print_line(f"The schema is up to date: {len(schema.schema_files())} files.")


@app.command("check")
def check_command() -> None:
    """Say how the database differs from the schema of this version; changes nothing."""

    async def work(opened: Session) -> list[str]:
        return await schema.check(opened.database)

    differences = session.run(work)
    for difference in differences:
        print_line(difference)
    if differences:
        raise SchemaMismatch(
            f"The schema differs in {len(differences)} places.",
            remedy="`identity-service schema apply` brings what is missing.",
        )
    print_line(f"The schema is up to date: {len(schema.schema_files())} files.")
