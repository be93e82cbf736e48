"""`identity-service space …`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from identity_service import session
from identity_service.cli.output import print_json
from identity_service.cli.policy import read_policy_file
from identity_service.graph import schema
from identity_service.services.spaces.spaces import CreatedSpace
from identity_service.session import Session

app = typer.Typer(help="Spaces: isolated worlds, each with its policy and keys.")


# Without it, a group of one command would be that command.
@app.callback(no_args_is_help=True, invoke_without_command=True)
def spaces() -> None:
    """Spaces: isolated worlds, each with its policy and keys."""


@app.command("create")
def create_command(
    name: Annotated[str, typer.Argument(help="a-z, 0-9, “-” and “_”, 1 to 63 of them.")],
    policy: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Its policy; default: the preset."),
    ] = None,
) -> None:
    """Create a space and print its keys, which are shown only now, as JSON."""
    text = None if policy is None else read_policy_file(policy)

    async def work(opened: Session) -> CreatedSpace:
        await schema.apply(opened.database)
        return await opened.cases.spaces.create_space(opened.cases.access.operator(), name, text)

    created = session.run(work)
    print_json(
        {
            "space": created.scope.space,
            "adminKey": created.admin_key,
            "readerKey": created.reader_key,
            "writeKey": created.write_key,
        }
    )
