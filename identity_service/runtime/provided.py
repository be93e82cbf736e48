"""A Neo4j for as long as it is needed: the one that is named, else the managed one."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from identity_service.runtime import server
from identity_service.settings import Settings


@contextmanager
def with_neo4j(settings: Settings) -> Generator[Settings]:
    """The settings with the address of a server.

    Where they name none, the managed one is used if it runs; else it is started, and stopped at
    the end. Blocks; raises RuntimeFailed.
    """
    if settings.neo4j_uri is not None:
        yield settings
        return
    running = server.start(settings)
    try:
        yield settings.model_copy(update={"neo4j_uri": running.uri})
    finally:
        running.stop()
