"""Parameters of journeys, as they are written on the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer

from identity_service.domain.identifiers import Identifier
from identity_service.domain.journeys.journeys import journey
from identity_service.domain.journeys.parameters import Kind

LISTS = frozenset({Kind.TEXTS, Kind.KINDS})

Params = Annotated[
    list[str] | None,
    typer.Option(
        metavar="K=V",
        help="A parameter; several times for several. A list: once for each entry, or once with "
        "commas.",
    ),
]


def read_params(name: str, params: Iterable[str]) -> dict[str, Any]:
    """The parameters of a journey, `K=V` each; names also as the GraphQL API has them."""
    kinds = {parameter.name: parameter.kind for parameter in journey(name).parameters}
    given: dict[str, Any] = {}
    for each in params:
        key, equals, value = each.partition("=")
        if not equals:
            raise typer.BadParameter(f"“{each}” is no K=V.", param_hint="--param")
        key = re.sub(r"(?<=[a-z])([A-Z])", lambda match: f"_{match[1].lower()}", key.strip())
        if key not in given:
            given[key] = value
        elif kinds.get(key) in LISTS:
            before = given[key]
            given[key] = [*(before if isinstance(before, list) else [before]), value]
        else:
            raise typer.BadParameter(f"“{key}” is given twice.", param_hint="--param")
    return given


def params_line(space: str, arguments: Mapping[str, Any]) -> str:
    """The line that sets a journey's arguments in Neo4j Browser."""
    entries = {
        name: str(value) if isinstance(value, Identifier) else value
        for name, value in {"space": space, **arguments}.items()
    }
    inside = ", ".join(f"{name}: {json.dumps(value)}" for name, value in entries.items())
    return f":params {{w: {{{inside}}}}}"
