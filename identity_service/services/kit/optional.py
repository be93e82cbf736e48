"""Libraries that come with the extras `data` and `sql`, or that a user brings."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from identity_service.errors import MissingExtra

PACKAGES: Final = {"vl_convert": "vl-convert-python"}
"""What to install for a module that does not have its package's name."""


def library(name: str) -> Any:
    """A library that the service runs without; it has no types. Raises MissingExtra."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        module = name.partition(".")[0]
        package = PACKAGES.get(module, module)
        raise MissingExtra(
            f"This needs {package}, which is not installed here.",
            remedy=f"Run `make setup` in the checkout, or `pip install {package}`.",
        ) from error
