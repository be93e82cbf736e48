"""`identity-service graphql …`."""

from __future__ import annotations

import typer

from identity_service.cli.output import print_line

app = typer.Typer(help="The GraphQL API.")


# Without it, a group of one command would be that command.
@app.callback(no_args_is_help=True, invoke_without_command=True)
def graphql() -> None:
    """The GraphQL API."""


@app.command("schema")
def schema_command() -> None:
    """Print the schema, in GraphQL's schema definition language."""
    from identity_service.api.graphql.schema import build_schema

    print_line(build_schema().as_str())
