"""Arguments that several commands take."""

from __future__ import annotations

import typer

from identity_service.domain.identifiers import Identifier, parse_identifier


def identifier(text: str) -> Identifier:
    """An identifier as `TYPE:VALUE`; anything else is wrong usage."""
    try:
        return parse_identifier(text)
    except ValueError as error:
        raise typer.BadParameter(f"{error}.") from error
