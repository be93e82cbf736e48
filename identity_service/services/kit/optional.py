"""Libraries that come with the extra `identity-service[data]`, or that a user brings."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from identity_service.errors import MissingExtra

EXTRA: Final = ("pyarrow", "vl_convert")
"""What the extra brings."""


def library(name: str) -> Any:
    """A library that the service runs without; it has no types. Raises MissingExtra."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        package = name.partition(".")[0]
        wanted = '"identity-service[data]"' if package in EXTRA else package
        raise MissingExtra(
            f"This needs {package}, which is not installed here.",
            remedy=f"Install it with `pip install {wanted}`.",
        ) from error
