"""The application: what it opens, the routes it serves, and how it runs."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from functools import partial
from types import FrameType
from typing import Final

import structlog
import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from identity_service.api.asgi import Application, create_api
from identity_service.api.collect import tracking_api
from identity_service.api.graphql.app import GraphQLEndpoint
from identity_service.api.graphql.large_queries import LargeQueries
from identity_service.api.graphql.limits import MAX_BODY
from identity_service.api.graphql.time_limits import TimeLimits
from identity_service.api.http_protocol import (
    ClientLimits,
    HttpProtocol,
    most_connections,
    raise_file_limit,
)
from identity_service.api.state import Services, State
from identity_service.collect.source_file import PolledSource
from identity_service.errors import BadInput
from identity_service.graph import schema
from identity_service.graph.access import AccessStore
from identity_service.graph.database import Database
from identity_service.graph.statements import load_all
from identity_service.observability import METRICS_DIR, configure_logging
from identity_service.runtime.provided import with_neo4j
from identity_service.services.imports.source_files import read_files
from identity_service.services.kit.allowances import Allowances
from identity_service.services.kit.clock import system_clock
from identity_service.services.limits import Limits
from identity_service.services.spaces.access import ensure_admin_key
from identity_service.services.spaces.read_rate import ReadRate
from identity_service.services.wiring import Reach, UseCases, assemble
from identity_service.services.write.rate_limit import RateLimit
from identity_service.settings import Settings

SHUTDOWN_TIMEOUT_S: Final = 30
"""Seconds that requests may still take once the service has to end."""

WORKER_TIMEOUT_S: Final = 60
"""Seconds without an answer after which a worker counts as dead, and another is started.

A worker answers once it has imported the service: some seconds on a machine that is busy.
"""

READING_THREADS: Final = 2
"""They mostly hold the interpreter's lock; more would only hold more bodies in memory."""

_log = structlog.get_logger(__name__)


def create_app(settings: Settings) -> Application:
    """The ASGI application. Everything it needs is opened and closed by its lifespan.

    Starts the managed Neo4j where `settings` names no server. The lifespan raises what
    `prepare` and the managed Neo4j raise.
    """
    return Application(
        tracking_api(), create_api(partial(_lifespan, settings), settings.allowed_origins)
    )


def run(settings: Settings, workers: int = 1) -> None:
    """Serve at `settings.host` and `settings.port` until SIGTERM or Ctrl-C, then end with 0.

    Requests that run are answered first, events that were taken are written, and a Neo4j that was
    started for this is stopped. Raises IdentityServiceError when it cannot begin.
    """
    configure_logging()
    with prepared(settings) as (ready, listener):
        config = server_config(partial(_worker, ready), workers)
        sys.stdout.write(f"Listening at {address(listener)}\n")
        sys.stdout.flush()
        with tempfile.TemporaryDirectory(prefix="identity-metrics-") as directory:
            os.environ[METRICS_DIR] = directory
            if workers == 1:
                uvicorn.Server(config).run(sockets=[listener])
            else:
                Multiprocess(config, sockets=[listener]).run()


@contextmanager
def prepared(settings: Settings) -> Generator[tuple[Settings, socket.socket]]:
    """All that serving needs: the settings with the address of a usable database, and a socket.

    Connections are taken from now on, and wait. SIGTERM and Ctrl-C end the process with 0 and stop
    a Neo4j that was started for this. Raises IdentityServiceError.
    """
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    raise_file_limit()
    with bound_socket(settings) as listener, with_neo4j(settings) as ready:
        # Here and not only in the workers, so that what is wrong is said once, and plainly.
        asyncio.run(_prepare_once(ready))
        listener.listen()
        yield ready, listener


def address(listener: socket.socket) -> str:
    """Where a browser on this machine reaches the socket, `http://127.0.0.1:8080`."""
    bound: tuple[str, int] = listener.getsockname()[:2]
    host, port = bound
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - not bound to here
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def server_config(make_app: Callable[[], Application], workers: int = 1) -> uvicorn.Config:
    """How an application is served; sockets are given to the server that takes this."""
    return uvicorn.Config(
        make_app,
        factory=True,
        workers=workers,
        loop="uvloop",
        http=HttpProtocol,
        ws="websockets-sansio",
        ws_max_size=MAX_BODY,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # Nothing here asks who sent a request, or how; every request would pay for it.
        proxy_headers=False,
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_S,
        timeout_worker_healthcheck=WORKER_TIMEOUT_S,
    )


@contextmanager
def bound_socket(settings: Settings) -> Generator[socket.socket]:
    """A socket bound where the service will listen; raises BadInput where that is impossible."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, settings.port))
        except OSError as error:
            raise BadInput(
                f"The service cannot listen at {settings.host}:{settings.port}: {error.strerror}.",
                remedy="Choose another address with IDENTITY_HOST and IDENTITY_PORT.",
            ) from error
        yield listener


async def prepare(database: Database, settings: Settings) -> None:
    """Make an empty database usable: the schema, and the administrator's key, shown this once.

    Raises SchemaMismatch, Unavailable.
    """
    if applied := await schema.apply(database):
        _log.info("schema_applied", files=len(applied))
    key = await ensure_admin_key(AccessStore(database), settings.admin_key, system_clock)
    if key is not None:
        sys.stdout.write(f"The instance administrator's key, shown only now: {key}\n")
        sys.stdout.flush()


@asynccontextmanager
async def _lifespan(
    settings: Settings, _api: FastAPI, *, own_process: bool = False
) -> AsyncGenerator[State]:
    """`own_process`: it has its process to itself, and another one answers its large queries."""
    with ExitStack() as stack:
        neo4j = with_neo4j(settings)
        settings = await asyncio.to_thread(stack.enter_context, neo4j)
        async with await Database.open(settings) as database:
            await prepare(database, settings)
            load_all()
            threads = stack.enter_context(ThreadPoolExecutor(READING_THREADS, "read-body"))
            cases = assemble(
                database,
                settings.max_queue,
                preview_timeout=settings.preview_timeout,
                limits=Limits.of(settings),
                secrets_key=settings.secrets_key,
                reach=Reach.of(settings),
            )
            await cases.ingest.warm_up()
            cases.policy_rollout.look_after_all()
            cases.deferred.look_after_all()
            cases.profiles.look_after_all()
            cases.retractions.look_after_all()
            cases.space_deletions.look_after_all()
            cases.rejected_retention.look_after_all()
            cases.source_counts.write_regularly()
            cases.polls.look_after(_polled_sources(settings))
            cases.activation.look_after_all()
            async with AsyncExitStack() as ending:
                ending.push_async_callback(cases.close)
                large = LargeQueries(settings, database) if own_process else None
                if large is not None:
                    large.start()
                    ending.push_async_callback(large.close)
                yield _state(database, cases, threads, settings, large)


@asynccontextmanager
async def _worker_lifespan(settings: Settings, api: FastAPI) -> AsyncGenerator[State]:
    """The lifespan of an application that has its process to itself.

    What is there once it has started stays until the end: the garbage collector leaves it alone.
    Else it would look through all of it again and again, and every request would wait for that.
    """
    async with _lifespan(settings, api, own_process=True) as state:
        gc.collect()
        gc.freeze()
        yield state


def _state(
    database: Database,
    cases: UseCases,
    threads: ThreadPoolExecutor,
    settings: Settings,
    large: LargeQueries | None,
) -> State:
    rate_limit = RateLimit(settings.write_key_rate, settings.write_key_burst)
    return {
        "services": Services(
            database,
            cases.access,
            cases.ingest,
            threads,
            rate_limit,
            cases.webhooks,
            cases.customers,
            cases.accounts,
            cases.customer_profiles,
            cases.mpids,
            cases.access_tokens,
            ReadRate(),
        ),
        "graphql": GraphQLEndpoint(
            cases,
            settings.max_streams,
            large,
            Allowances(settings.read_key_rate, settings.read_key_burst),
            TimeLimits.of(settings),
        ),
        "client_limits": ClientLimits(
            settings.head_timeout,
            settings.body_timeout,
            most_connections(settings.max_connections),
        ),
    }


def _worker(settings: Settings) -> Application:
    configure_logging()
    return Application(
        tracking_api(), create_api(partial(_worker_lifespan, settings), settings.allowed_origins)
    )


def _polled_sources(settings: Settings) -> list[PolledSource]:
    """The sources that this service reads itself. Raises BadInput."""
    return [] if settings.source_files is None else read_files([settings.source_files])


async def _prepare_once(settings: Settings) -> None:
    _polled_sources(settings)
    async with await Database.open(settings) as database:
        await prepare(database, settings)


def _end(_signal: int, _frame: FrameType | None) -> None:
    """End with 0: before the server handles signals itself, and when it gives them back."""
    sys.exit(0)
