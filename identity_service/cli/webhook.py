"""`identity-service source webhook …`: sources that vendors' webhooks feed.

The secret is read from standard input, or asked for: an argument stands in the list of processes.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from identity_service import session
from identity_service.cli.output import print_json
from identity_service.collect.webhooks.vendors import Vendor
from identity_service.domain.timestamps import iso
from identity_service.graph import schema
from identity_service.services.spaces.webhooks import NewWebhook, RotatedSecret, WebhookSource
from identity_service.session import Session

app = typer.Typer(help="Sources that vendors' webhooks feed.", no_args_is_help=True)


@app.callback()
def webhooks() -> None:
    """Sources that vendors' webhooks feed."""


@app.command("create")
def create_command(
    name: Annotated[str, typer.Argument(help="a-z, 0-9, “-” and “_”, 1 to 63 of them.")],
    vendor: Annotated[Vendor, typer.Option(help="Who sends.")],
    space: Annotated[
        list[str], typer.Option(help="A space that it feeds; may be given several times.")
    ],
    public_url: Annotated[
        str | None, typer.Option(help="HubSpot behind a proxy: the whole address that it has.")
    ] = None,
    test_mode: Annotated[
        bool, typer.Option("--test-mode", help="Stripe: events of its test mode, no live ones.")
    ] = False,
    note_attribute: Annotated[
        str | None,
        typer.Option(help="Shopify: the note attribute that holds the browser's anonymous id."),
    ] = None,
    region: Annotated[
        str | None, typer.Option(metavar="COUNTRY", help="Of its national phone numbers, as NL is.")
    ] = None,
) -> None:
    """Create a source and print where the vendor has to send to, as JSON.

    The secret that the vendor signs with is read from standard input, or asked for.
    """
    new = NewWebhook(vendor, _secret(), public_url, not test_mode, note_attribute, region)

    async def work(opened: Session) -> WebhookSource:
        await schema.apply(opened.database)
        operator = opened.cases.access.operator()
        return await opened.cases.webhooks.create(operator, name, space, new)

    made = session.run(work)
    print_json(
        {
            "name": made.name,
            "vendor": made.vendor.name,
            "spaces": list(made.spaces),
            "path": made.path,
        }
    )


@app.command("rotate-secret")
def rotate_secret_command(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The sender, by its name.")],
    space: Annotated[str, typer.Option(help="A space that it feeds.")],
) -> None:
    """Give a source a new secret, read from standard input or asked for.

    The one before stays good for a day; twice the same new one ends it at once.
    """
    secret = _secret()

    async def work(opened: Session) -> RotatedSecret:
        operator = opened.cases.access.operator()
        return await opened.cases.webhooks.rotate_secret(operator, space, source, secret)

    made = session.run(work)
    print_json({"source": made.source, "oldUntil": iso(made.old_until)})


def _secret() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("The vendor's secret", hide_input=True))
    return sys.stdin.readline().rstrip("\r\n")
