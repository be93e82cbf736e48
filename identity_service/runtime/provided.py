"""A Neo4j for as long as it is needed: the one that is named, else the managed one."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from pydantic import SecretStr
from rich.console import Console

from identity_service.runtime import server
from identity_service.runtime.jars import lib_dir
from identity_service.runtime.login import USER
from identity_service.runtime.restarts import KeptRunning
from identity_service.runtime.state import read_state
from identity_service.settings import Settings


@contextmanager
def with_neo4j(settings: Settings) -> Generator[Settings]:
    """The settings with the address of a server, and with its password if it is the managed one.

    Where they name none, the managed one is used if it runs; else it is started, and stopped at
    the end. It is started again whenever it ends before. Blocks; raises RuntimeFailed.
    """
    if settings.neo4j_uri is not None:
        yield _with_known_password(settings)
        return
    with _waiting(settings):
        running = server.start(settings)
    with KeptRunning(settings, running):
        yield with_login(settings, running.uri, running.password)


def with_login(settings: Settings, uri: str, password: str) -> Settings:
    """The settings with the way to a managed server."""
    return settings.model_copy(
        update={
            "neo4j_uri": uri,
            "neo4j_user": USER,
            "neo4j_password": SecretStr(password),
            "neo4j_database": "neo4j",
        }
    )


def _with_known_password(settings: Settings) -> Settings:
    """Who names the managed server by its address need not look up its password."""
    state = read_state(server.server_home(settings))
    if settings.neo4j_password is None and state is not None and state.uri == settings.neo4j_uri:
        return with_login(settings, state.uri, state.password)
    return settings


def _waiting(settings: Settings) -> AbstractContextManager[object]:
    """Says on a terminal what is waited for; fetching, which may come first, does so itself."""
    if server.status(settings) is not None or not lib_dir(settings.cache_dir).exists():
        return nullcontext()
    return Console(stderr=True).status("Starting Neo4j")
