"""`identity-service journeys …`: questions about what customers do, in which order."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from identity_service import session
from identity_service.cli.journey_params import Params, read_params
from identity_service.cli.output import plain_text, print_content, print_json, results, visible_json
from identity_service.cli.output_files import PictureFormat, encode, write_file
from identity_service.domain.journeys.journeys import (
    JOURNEYS,
    RANGE_AND_SEGMENT,
    ColumnType,
    Value,
    journey,
)
from identity_service.domain.journeys.parameters import Parameter
from identity_service.pictures import draw
from identity_service.services.journeys.figures import Figure
from identity_service.session import Session

app = typer.Typer(help="What customers do, and in which order.", no_args_is_help=True)


class Format(StrEnum):
    """How a result is written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"
    HTML = "html"
    PNG = "png"
    SVG = "svg"


FILES = frozenset({Format.PARQUET, Format.HTML, Format.PNG, Format.SVG})
"""What is a file, not text to be read in a terminal."""

_NUMBERS = frozenset({ColumnType.INTEGER, ColumnType.NUMBER})


@app.command("list")
def list_command(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show every journey with its parameters."""
    if as_json:
        print_json([_described(name) for name in JOURNEYS])
        return
    table = Table("journey", "question", "parameters", box=None)
    for each in JOURNEYS.values():
        own = "\n".join(map(_shown, each.own))
        table.add_row(each.name, each.question, own)
    console = results()
    console.print(table)
    common = ", ".join(each.name for each in RANGE_AND_SEGMENT)
    console.print(f"Each also takes {common}.")


@app.command("run")
def run_command(
    name: Annotated[str, typer.Argument(help="A journey; `journeys list` shows them.")],
    space: Annotated[str, typer.Option(help="The space that it is about.")],
    param: Params = None,
    file_format: Annotated[
        Format,
        typer.Option("--format", help="How the result is written; html, png and svg draw it."),
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
    given = read_params(name, param or ())

    async def work(opened: Session) -> Figure:
        return await opened.cases.journeys.run(await opened.space(space), name, given)

    figure = session.run(work)
    if file_format is Format.TABLE and output is None:
        results().print(_table(figure))
    elif output is None and file_format not in FILES:
        print_content(_text(figure, file_format))
    else:
        write_file(_encoded(figure, file_format), output, f"{name}.{file_format}")


def _encoded(figure: Figure, file_format: Format) -> str | bytes:
    match file_format:
        case Format.PARQUET:
            return figure.to_parquet()
        case Format.HTML | Format.PNG | Format.SVG:
            return encode(draw(figure), PictureFormat(file_format))
        case _:
            return _text(figure, file_format)


def _text(figure: Figure, file_format: Format) -> str:
    match file_format:
        case Format.CSV:
            return figure.to_csv()
        case Format.JSON:
            return visible_json(figure.to_json())
        case _:
            return plain_text(_table(figure), width=200)


def _table(figure: Figure) -> Table:
    table = Table(title=figure.journey.question, title_justify="left", box=None)
    for column in figure.journey.columns:
        table.add_column(
            column.name,
            justify="right" if column.type in _NUMBERS else "left",
            no_wrap=column.type in _NUMBERS,
        )
    for row in figure.rows:
        table.add_row(*map(_cell, figure.columns, row))
    return table


def _cell(column: str, value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        value = ", ".join(value)
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


def _described(name: str) -> dict[str, Any]:
    described = journey(name)
    return {
        "name": name,
        "question": described.question,
        "parameters": [
            {
                "name": parameter.name,
                "type": parameter.kind,
                "required": parameter.required,
                "default": parameter.default,
                "meaning": parameter.meaning,
            }
            for parameter in described.parameters
        ],
        "columns": [
            {"name": column.name, "type": column.type, "meaning": column.meaning}
            for column in described.columns
        ],
    }
