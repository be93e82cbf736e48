"""`identity-service blast-radius`: what falls apart if a value is blocked?"""

from __future__ import annotations

from typing import Annotated

import typer

from identity_service import session
from identity_service.cli import arguments, differences, json_objects
from identity_service.cli.output import print_json, results
from identity_service.errors import NotFound
from identity_service.services.preview.previews import PolicyPreview
from identity_service.services.read.view import Missing
from identity_service.session import Session


def blast_radius(
    identifier: Annotated[str, typer.Argument(metavar="TYPE:VALUE")],
    space: Annotated[str, typer.Option(help="The space to look in.")],
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show what falls apart if this value is blocked. Nothing is written.

    With --json also the text of the policy that blocks it.
    """
    asked = arguments.identifier(identifier)

    async def work(opened: Session) -> PolicyPreview | Missing:
        return await opened.cases.blast_radius.of(await opened.space(space), asked)

    found = session.run(work)
    if isinstance(found, Missing):
        raise NotFound(found.message, remedy=f"Nothing of the space “{space}” depends on it.")
    preview = found.preview
    if as_json:
        print_json({**json_objects.preview(preview), "policyText": found.policy_text})
    else:
        console = results()
        console.print(differences.table(preview.summary))
        console.print(differences.drawing(preview))
