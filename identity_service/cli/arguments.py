"""Arguments that several commands take."""

from __future__ import annotations

import typer

from identity_service.domain.identifiers import Identifier, parse_identifier
from identity_service.domain.timestamps import read_last_moment


def identifier(text: str) -> Identifier:
    """An identifier as `TYPE:VALUE`; anything else is wrong usage."""
    try:
        return parse_identifier(text)
    except ValueError as error:
        raise typer.BadParameter(f"{error}.") from error


def moment(text: str) -> int:
    """A moment in ISO 8601, a date alone as the end of that day; anything else is wrong usage."""
    try:
        return read_last_moment(text)
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"“{text}” is no moment, as 2026-03-01T12:00Z is, or 2026-03-01, the end of that day."
        ) from None
