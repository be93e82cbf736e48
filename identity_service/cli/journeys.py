"""`identity-service journeys …`: questions about what customers do, in which order."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from identity_service import session
from identity_service.cli.journey_params import Given, given_parameters
from identity_service.cli.output import print_json, results
from identity_service.cli.output_files import PictureFormat, deliver, drawn
from identity_service.domain.journeys.journeys import JOURNEYS, ColumnType, Value, journey
from identity_service.domain.journeys.parameters import Parameter
from identity_service.pictures import draw
from identity_service.services.journeys.figures import Figure
from identity_service.session import Session

app = typer.Typer(help="What customers do, and in which order.", no_args_is_help=True)


class Format(StrEnum):
    """How an answer is written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"
    HTML = "html"
    PNG = "png"
    SVG = "svg"


FILES = frozenset({Format.PARQUET, Format.HTML, Format.PNG, Format.SVG})
"""What is a file, not text to be read in a terminal."""


@app.command("list")
def list_command(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show every journey with its parameters."""
    if as_json:
        print_json([_plain(name) for name in JOURNEYS])
        return
    table = Table("journey", "question", "parameters", box=None)
    for asked in JOURNEYS.values():
        own = "\n".join(map(_shown, asked.own))
        table.add_row(asked.name, asked.question, own)
    console = results()
    console.print(table)
    common = ", ".join(p.name for p in next(iter(JOURNEYS.values())).parameters[-6:])
    console.print(f"Each also takes {common}.")


@app.command("run")
def run_command(
    name: Annotated[str, typer.Argument(help="A journey; `journeys list` shows them.")],
    space: Annotated[str, typer.Option(help="The space that it is about.")],
    param: Given = None,
    written: Annotated[
        Format,
        typer.Option("--format", help="How the answer is written; html, png and svg draw it."),
    ] = Format.TABLE,
    output: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False,
            help="A file, instead of standard output. Pictures and Parquet that would go to a "
            "terminal are written to NAME.FORMAT.",
        ),
    ] = None,
) -> None:
    """Answer a journey about a space."""
    given = given_parameters(name, param or ())

    async def work(its: Session) -> Figure:
        return await its.cases.journeys.run(await its.space(space), name, given)

    figure = session.run(work)
    if written is Format.TABLE and output is None:
        results().print(_table(figure))
    elif output is None and written not in FILES:
        typer.echo(_encoded(figure, written), nl=False)
    else:
        deliver(_encoded(figure, written), output, f"{name}.{written}")


def _encoded(figure: Figure, written: Format) -> str | bytes:
    match written:
        case Format.CSV:
            return figure.to_csv()
        case Format.JSON:
            return figure.to_json()
        case Format.PARQUET:
            return figure.to_parquet()
        case Format.HTML | Format.PNG | Format.SVG:
            return drawn(draw(figure), PictureFormat(written))
        case Format.TABLE:
            from rich.console import Console

            console = Console(record=True, width=200, quiet=True, highlight=False)
            console.print(_table(figure))
            return console.export_text()


def _table(figure: Figure) -> Table:
    table = Table(title=figure.journey.question, title_justify="left", box=None)
    for column in figure.journey.columns:
        table.add_column(
            column.name,
            justify="left" if column.type is ColumnType.TEXT else "right",
            no_wrap=column.type is not ColumnType.TEXT,
        )
    for row in figure.rows:
        table.add_row(*map(_cell, figure.columns, row))
    return table


def _cell(column: str, value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        from rich.markup import escape

        return escape(value)
    if column == "share":
        return f"{value:.1%}"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3f}"


def _shown(parameter: Parameter) -> str:
    if parameter.required:
        return f"{parameter.name} (needed)"
    return (
        parameter.name if parameter.default is None else f"{parameter.name} ({parameter.default})"
    )


def _plain(name: str) -> dict[str, Any]:
    asked = journey(name)
    return {
        "name": name,
        "question": asked.question,
        "parameters": [
            {
                "name": parameter.name,
                "type": parameter.kind,
                "required": parameter.required,
                "default": parameter.default,
                "meaning": parameter.meaning,
            }
            for parameter in asked.parameters
        ],
        "columns": [
            {"name": column.name, "type": column.type, "meaning": column.meaning}
            for column in asked.columns
        ],
    }
