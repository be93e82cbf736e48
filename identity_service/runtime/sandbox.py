"""A second managed Neo4j that holds a copy of one space, for whoever wants to do as they like.

It has a process, a port, a password and a directory of its own below `IDENTITY_DATA_DIR`, knows
nothing of the first, and stays until it is stopped. A new copy is made beside the old one and
takes its place when it is whole.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from identity_service.errors import NotFound, RuntimeFailed
from identity_service.runtime import server
from identity_service.runtime.files import disk_errors, exclusive
from identity_service.runtime.java import Profile
from identity_service.runtime.login import USER
from identity_service.settings import Settings

COPYING: Final = Profile(
    ("-XX:+UseSerialGC",),
    room=50_000_000,
    configuration=("db.tx_log.preallocate=false",),
    guarded=True,
)
"""A sandbox while it is filled: somebody waits for it."""

_ABOUT: Final = "sandbox.json"
_MOMENT: Final = 0.5
_PATIENCE: Final = 600.0


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A whole copy: of which space, when it was begun (milliseconds since 1970), and its login.

    `copied` counts what it holds. `port` 0: it was never started.
    """

    space: str
    copied_at: int
    password: str
    port: int = 0
    copied: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def uri(self) -> str:
        """Its Bolt address, on loopback."""
        return f"bolt://127.0.0.1:{self.port}"


@dataclass(slots=True)
class Rebuilding:
    """A copy that is being made: where to write it. `copied` is to be told what was."""

    settings: Settings
    copied: Mapping[str, int] = field(default_factory=dict[str, int])


def find(settings: Settings) -> Sandbox | None:
    """The sandbox that there is, running or not."""
    return _read(_current(settings))


def is_running(settings: Settings) -> bool:
    """Whether it answers."""
    return server.status(_for(settings, _current(settings))) is not None


def require(settings: Settings) -> Sandbox:
    """The sandbox that there is; raises NotFound."""
    found = find(settings)
    if found is None:
        raise NotFound(
            "There is no sandbox.",
            remedy="`identity-service sandbox start --space NAME` makes one.",
        )
    return found


@contextmanager
def rebuilt(settings: Settings, space: str, now: int, *, port: int = 0) -> Generator[Rebuilding]:
    """An empty server to be filled; at the end it is the sandbox, and runs.

    Nothing is changed by an exception, and nothing is left of a copy whose maker was killed.
    One that is replaced gives its port and password on. Raises RuntimeFailed, also where somebody
    else is at it.
    """
    current, growing = _current(settings), _root(settings) / "next"
    with disk_errors(_root(settings), "IDENTITY_DATA_DIR"), _turn(settings):
        before = find(settings)
        made = Sandbox(space, now, before.password if before else secrets.token_urlsafe(18))
        target = _for(settings, growing)
        server.stop(target)
        shutil.rmtree(growing, ignore_errors=True)
        try:
            growing.mkdir(parents=True, mode=0o700)
            running = server.start(target, COPYING, password=made.password)
            try:
                reached = target.model_copy(
                    update={
                        "neo4j_uri": running.uri,
                        "neo4j_user": USER,
                        "neo4j_password": SecretStr(made.password),
                        "neo4j_database": "neo4j",
                        # It is slow on purpose, and nobody waits for single statements.
                        "read_timeout": _PATIENCE,
                        "write_timeout": _PATIENCE,
                    }
                )
                rebuilding = Rebuilding(reached)
                yield rebuilding
            finally:
                running.stop()
        except BaseException:
            shutil.rmtree(growing, ignore_errors=True)
            raise
        server.stop(_for(settings, current))
        shutil.rmtree(current, ignore_errors=True)
        growing.replace(current)
        _write(current, replace(made, copied=rebuilding.copied, port=before.port if before else 0))
        _start(settings, port)


def start(settings: Settings, *, port: int = 0) -> Sandbox:
    """Start the sandbox that there is, unless it runs; raises NotFound, RuntimeFailed."""
    with disk_errors(_root(settings), "IDENTITY_DATA_DIR"), _turn(settings):
        return _start(settings, port)


def stop(settings: Settings, *, remove: bool) -> bool:
    """Stop the sandbox, and delete its data if asked to; False where there was none to stop."""
    current = _current(settings)
    with disk_errors(_root(settings), "IDENTITY_DATA_DIR"), _turn(settings):
        stopped = server.stop(_for(settings, current))
        if remove:
            shutil.rmtree(current, ignore_errors=True)
        return stopped


def _start(settings: Settings, port: int) -> Sandbox:
    current, found = _current(settings), require(settings)
    running = server.start(
        _for(settings, current), _serving(settings), port=port or found.port, detached=True
    )
    started = replace(found, port=running.state.port)
    _write(current, started)
    return started


def _serving(settings: Settings) -> Profile:
    """As it serves: capped, and behind everybody else."""
    cap = f"-XX:ActiveProcessorCount={settings.sandbox_processors}"
    return replace(COPYING, java_options=(*COPYING.java_options, cap), niceness=10)


def _for(settings: Settings, directory: Path) -> Settings:
    """The settings of a managed server in that directory, with the memory of a sandbox."""
    return settings.model_copy(
        update={
            "neo4j_uri": None,
            "data_dir": directory,
            "neo4j_heap": settings.sandbox_heap,
            "neo4j_page_cache": settings.sandbox_page_cache,
        }
    )


def _root(settings: Settings) -> Path:
    return settings.data_dir.resolve() / "sandbox"


def _current(settings: Settings) -> Path:
    return _root(settings) / "current"


def _turn(settings: Settings) -> AbstractContextManager[None]:
    return exclusive(
        _root(settings) / "sandbox.lock", "making or stopping a sandbox", patience=_MOMENT
    )


def _read(directory: Path) -> Sandbox | None:
    try:
        return Sandbox(**json.loads((directory / _ABOUT).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise RuntimeFailed(
            f"{directory / _ABOUT} cannot be read.",
            remedy="`identity-service sandbox stop --remove` deletes the sandbox.",
        ) from error


def _write(directory: Path, sandbox: Sandbox) -> None:
    """It holds the password: for the owner's eyes only."""
    partial = directory / f"{_ABOUT}.new"
    partial.touch(mode=0o600)
    partial.write_text(json.dumps(asdict(sandbox)), encoding="utf-8")
    partial.replace(directory / _ABOUT)
