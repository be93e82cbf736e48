"""What the server says of statements."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager

LOGGER = logging.getLogger("neo4j.notifications")


class _Fails(logging.Handler):
    """Raises, where the driver logs it, in the midst of the query."""

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        # A database that is young lacks most labels and properties; that is no news.
        if "UNRECOGNIZED" not in message:
            raise AssertionError(message)


@contextmanager
def warnings_fail() -> Generator[None]:
    """A warning of the server about a statement fails the query."""
    handler = _Fails(logging.WARNING)
    # A level of its own: commands that run in this process set that of all others.
    LOGGER.setLevel(logging.WARNING)
    LOGGER.addHandler(handler)
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
