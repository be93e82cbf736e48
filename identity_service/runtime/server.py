"""Start, find and stop the managed Neo4j.

A data directory has at most one server. It belongs to the process that started it and ends with
it, kill -9 included, unless it was started `detached`; other processes may use it meanwhile.
"""

from __future__ import annotations

import errno
import os
import shutil
import socket
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from identity_service.errors import RuntimeFailed
from identity_service.runtime import bolt
from identity_service.runtime.files import disk_errors, exclusive
from identity_service.runtime.jars import fetch
from identity_service.runtime.java import SERVICE, Profile, find_java
from identity_service.runtime.launch import (
    START_TIMEOUT_S,
    STOP_TIMEOUT_S,
    Launched,
    await_login,
    launch,
    panicked,
)
from identity_service.runtime.lock import VERSION
from identity_service.runtime.state import State, forget_state, read_state
from identity_service.settings import Settings

MIN_FREE_BYTES: Final = 50_000_000
TURN_PATIENCE: Final = START_TIMEOUT_S + STOP_TIMEOUT_S


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that answers Bolt at `uri`, and lets in the user `neo4j` with `password`."""

    state: State
    owned: Launched | None

    @property
    def uri(self) -> str:
        """Its Bolt address, on loopback."""
        return self.state.uri

    @property
    def password(self) -> str:
        """What it asks for."""
        return self.state.password

    @property
    def pid(self) -> int:
        """The process id of its Java."""
        return self.state.process.pid

    @property
    def is_owned(self) -> bool:
        """Whether this call started it and its life is tied to this process."""
        return self.owned is not None

    @property
    def has_ended(self) -> bool:
        """Whether it ended by itself, or somebody ended it."""
        if self.owned is not None and self.owned.supervisor is not None:
            return self.owned.supervisor.poll() is not None
        return not self.state.process.is_alive()

    @property
    def has_panicked(self) -> bool:
        """Whether its database takes nothing any more, as after a disk that was full.

        Only a restart helps. Known of a server that this process started.
        """
        return self.owned is not None and panicked(self.owned.home)

    def stop(self) -> None:
        """Stop it cleanly, about 2 s; a server that somebody else owns, or nobody, is left alone.

        Nothing happens when it is stopped already or ended by itself.
        """
        if self.owned is not None:
            with _turn(self.owned.home):
                self.owned.end()


def start(
    settings: Settings, profile: Profile = SERVICE, *, port: int = 0, detached: bool = False
) -> RunningServer:
    """The server of `settings.data_dir`, started unless it runs already; returns when Bolt answers.

    `port` 0 takes a free one. `detached`: it stays until `stop`, whatever becomes of this process.
    Fetches Neo4j first where the cache does not have it. Blocks; raises RuntimeFailed.
    """
    find_java()
    fetch(settings.cache_dir)
    home = server_home(settings)
    with disk_errors(home, "IDENTITY_DATA_DIR"), _turn(home):
        claim(home)
        state = _running(home)
        if state is not None:
            return RunningServer(state, None)
        if port:
            _refuse_taken(port)
        _refuse_full_disk(home, profile)
        launched = launch(home, settings, profile, port=port, detached=detached)
        return RunningServer(launched.state, None if detached else launched)


def status(settings: Settings) -> State | None:
    """The server of `settings.data_dir` if it runs and answers; changes nothing."""
    state = read_state(server_home(settings))
    if state is not None and state.process.is_alive() and bolt.answers(state.port):
        return state
    return None


def stop(settings: Settings) -> bool:
    """Stop the server of `settings.data_dir`, whoever started it; False where none ran."""
    home = server_home(settings)
    if not home.exists():
        return False
    with disk_errors(home, "IDENTITY_DATA_DIR"), _turn(home):
        state = read_state(home)
        ran = state is not None and state.process.is_alive()
        if state is not None:
            state.process.end(STOP_TIMEOUT_S)
            forget_state(home, state.process)
        return ran


def server_home(settings: Settings) -> Path:
    """The directory of the server: its data, its configuration, its logs."""
    return settings.data_dir.resolve() / "neo4j"


def claim(home: Path) -> None:
    """Mark an empty directory as this version's, and have none but its owner look into it.

    Raises RuntimeFailed where another version wrote it.
    """
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    marker = home / "version"
    if marker.exists():
        written_by = marker.read_text(encoding="utf-8").strip()
    elif (home / "data").exists():
        written_by = "an unknown version"
    else:
        marker.write_text(VERSION + "\n", encoding="utf-8")
        return
    if written_by != VERSION:
        raise RuntimeFailed(
            f"The data in {home} was written by Neo4j {written_by}; this is {VERSION}.",
            remedy="Name another directory with IDENTITY_DATA_DIR, or use the identity-service "
            "that wrote it.",
        )


def _turn(home: Path) -> AbstractContextManager[None]:
    return exclusive(
        home / "server.lock", "starting or stopping this Neo4j", patience=TURN_PATIENCE
    )


def _running(home: Path) -> State | None:
    """The server that runs, once it answers; what a dead owner or a crash left is cleared away."""
    state = read_state(home)
    if state is None:
        return None
    if state.process.is_alive() and not state.is_abandoned:
        return await_login(home, state)
    state.process.end(STOP_TIMEOUT_S)
    forget_state(home, state.process)
    return None


def _refuse_full_disk(home: Path, profile: Profile) -> None:
    """On a disk that is all but full Neo4j says nothing and hangs."""
    room = MIN_FREE_BYTES if (home / "data").exists() else profile.room
    if shutil.disk_usage(home).free < room:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise RuntimeFailed(
                f"Port {port} is taken: {error.strerror}.",
                remedy="Choose another port, or none to get a free one.",
            ) from error
