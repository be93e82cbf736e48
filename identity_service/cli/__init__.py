"""The command line: `identity-service`.

Exit codes: 0 done, 1 the work failed, 2 wrong usage. Errors are one line on standard error.
"""

from __future__ import annotations

import logging
import tempfile
import traceback
from collections.abc import Sequence
from typing import Final

import typer
from pydantic import ValidationError
from typer.exceptions import TyperException

from identity_service.cli import (
    audience,
    blast_radius,
    changes,
    check,
    demo,
    destination,
    draw,
    explain,
    export,
    features,
    graphql,
    ingest,
    journeys,
    judgement,
    policy,
    policy_score,
    policy_versions,
    polled_source,
    preview,
    profiles,
    rejected,
    resolve,
    retraction,
    sandbox,
    schema,
    search,
    serve,
    source,
    space,
    upstream,
    webhook,
)
from identity_service.cli.output import print_error, print_line
from identity_service.errors import IdentityServiceError
from identity_service.observability import configure_logging
from identity_service.runtime import commands as neo4j

FAILED: Final = 1
WRONG_USAGE: Final = 2

app = typer.Typer(
    help="An identity graph in Neo4j that says who a customer is, why, and can take it back.",
    epilog="Settings are read from the environment (IDENTITY_…). The documentation lists them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)
app.command("demo")(demo.demo)
app.add_typer(neo4j.app, name="neo4j")
app.add_typer(schema.app, name="schema")
app.add_typer(space.app, name="space")
source.app.add_typer(webhook.app, name="webhook")
source.app.add_typer(polled_source.app, name="sql", help="Databases as sources.")
source.app.add_typer(polled_source.app, name="crm", help="Salesforce and HubSpot as sources.")
app.add_typer(source.app, name="source")
app.add_typer(rejected.app, name="rejected")
app.add_typer(destination.app, name="destination")
app.command("ingest")(ingest.ingest)
app.command("resolve")(resolve.resolve)
app.command("search")(search.search)
app.command("changes")(changes.changes)
app.command("explain")(explain.explain)
app.add_typer(draw.app, name="draw")
app.command("blast-radius")(blast_radius.blast_radius)
app.add_typer(judgement.app, name="judgement")
app.add_typer(upstream.app, name="upstream")
app.command("retract")(retraction.retract_command)
app.add_typer(retraction.app, name="retraction")
app.add_typer(features.app, name="features")
policy_versions.add_to(policy.app)
policy.app.command("preview")(preview.preview)
policy.app.command("score")(policy_score.score)
app.command("export")(export.export)
app.add_typer(sandbox.app, name="sandbox")
app.add_typer(policy.app, name="policy")
app.add_typer(profiles.app, name="profiles")
app.add_typer(audience.app, name="audience")
app.add_typer(journeys.app, name="journeys")
app.add_typer(graphql.app, name="graphql")
app.command("check")(check.check)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, `sys.argv` unless given, and return the exit code. Raises nothing."""
    configure_logging(logging.ERROR)
    try:
        code = app(arguments, prog_name="identity-service", standalone_mode=False)
    except TyperException as error:
        return _misused(error)
    except ValidationError as error:
        print_error(_wrong_settings(error))
        return WRONG_USAGE
    except IdentityServiceError as error:
        print_error(str(error))
        return FAILED
    except typer.Abort:
        code = INTERRUPTED
    except Exception:  # noqa: BLE001 - a user is shown no stack trace
        print_error(f"This is a defect of identity-service. Please report it with {_report()}.")
        return FAILED
    if code == INTERRUPTED:
        print_error("Stopped before it was done.")
        return FAILED
    return code if isinstance(code, int) else 0


INTERRUPTED: Final = 130
"""What the library returns after Ctrl-C."""


def _misused(error: TyperException) -> int:
    context = getattr(error, "ctx", None)
    text = error.format_message()
    if "\n" in text or not text:  # a group without a command: its help is the message
        print_line(text, err=True)
    elif context is None:
        print_error(text)
    else:
        print_error(f"{text.rstrip('.')}. `{context.command_path} --help` shows how to use it.")
    return error.exit_code


def _wrong_settings(error: ValidationError) -> str:
    """Names variables, never their values: one may be a secret."""
    mistakes = [
        f"IDENTITY_{'_'.join(map(str, mistake['loc'])).upper()}: "
        + mistake["msg"].removeprefix("Value error, ")
        for mistake in error.errors(include_input=False, include_url=False)
    ]
    return f"The environment has settings that cannot be used. {'; '.join(mistakes)}."


def _report() -> str:
    """The file that holds the stack trace of the exception being handled."""
    with tempfile.NamedTemporaryFile(
        "w", prefix="identity-service-", suffix=".txt", delete=False
    ) as file:
        traceback.print_exc(file=file)
    return file.name
