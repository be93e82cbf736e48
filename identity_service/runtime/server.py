"""Start, find and stop the managed Neo4j.

A data directory has at most one server. It belongs to the process that started it and ends with
it, kill -9 included, unless it was started `detached`; other processes may use it meanwhile.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from identity_service.errors import RuntimeFailed
from identity_service.runtime import bolt
from identity_service.runtime.configuration import configuration
from identity_service.runtime.exclusive import exclusive
from identity_service.runtime.jars import fetch, version_dir
from identity_service.runtime.java import (
    SERVICE,
    Profile,
    command,
    environment,
    fast_start_cache,
    find_java,
)
from identity_service.runtime.lock import VERSION
from identity_service.runtime.processes import ProcessId
from identity_service.settings import Settings

KEEPER: Final = Path(__file__).with_name("keeper.py")
START_PATIENCE: Final = 120.0
STOP_GRACE: Final = 30.0
TRAINING_GRACE: Final = 180.0

STATE_FILE: Final = "server.json"
CONSOLE_LOG: Final = "console.log"

TRAINING: Final = (
    "CREATE CONSTRAINT trained IF NOT EXISTS FOR (t:Trained) REQUIRE t.key IS UNIQUE",
    "UNWIND range(1, 20) AS k MERGE (a:Trained {key: k}) MERGE (b:Trained {key: k + 1}) "
    "MERGE (a)-[l:NEXT]->(b) ON CREATE SET l.times = 1",
    "MATCH (a:Trained {key: 1}) MATCH (a)-[:NEXT*0..]-(b) RETURN collect(DISTINCT b.key)",
)


@dataclass(frozen=True, slots=True)
class State:
    """What a server leaves in its directory for whoever comes next. Port 0: not known yet."""

    process: ProcessId
    owner: ProcessId | None
    port: int
    version: str = VERSION

    @property
    def uri(self) -> str:
        """Where it answers Bolt."""
        return f"bolt://127.0.0.1:{self.port}"

    @property
    def is_abandoned(self) -> bool:
        """Whether it belonged to a process that is gone."""
        return self.owner is not None and not self.owner.is_alive()


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that answers Bolt at `uri`, without authentication."""

    state: State
    home: Path
    keeper: subprocess.Popen[bytes] | None

    @property
    def uri(self) -> str:
        """Its Bolt address, on loopback."""
        return self.state.uri

    @property
    def pid(self) -> int:
        """The process id of its Java."""
        return self.state.process.pid

    @property
    def is_owned(self) -> bool:
        """Whether this call started it and its life is tied to this process."""
        return self.keeper is not None

    def stop(self) -> None:
        """Stop it cleanly, about 2 s; a server that somebody else owns, or nobody, is left alone.

        Nothing happens when it is stopped already or ended by itself.
        """
        if self.keeper is None:
            return
        with _turn(self.home):
            if self.keeper.poll() is None:
                self.state.process.end(STOP_GRACE)
                self.keeper.wait()
            if _read_state(self.home) == self.state:
                (self.home / STATE_FILE).unlink()


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
    with _turn(home):
        state = _running(home)
        if state is not None:
            return RunningServer(state, home, None)
        _refuse_foreign_data(home)
        if port:
            _refuse_taken(port)
        launched = _launch(home, settings, profile, port=port, detached=detached)
        return RunningServer(_await_bolt(home, launched), home, launched.keeper)


def train_fast_start(settings: Settings) -> None:
    """Make the AOT cache that halves every later start, unless it is there. Takes about 25 s.

    A start and a few queries in a directory that is thrown away; Java writes the cache at its end.
    """
    find_java()
    fetch(settings.cache_dir)
    place = version_dir(settings.cache_dir)
    cache = fast_start_cache(settings.cache_dir)
    with exclusive(place / "training.lock", "preparing the fast start", patience=START_PATIENCE):
        if cache.exists():
            return
        with tempfile.TemporaryDirectory(dir=place, prefix="training-") as directory:
            home, trained = Path(directory), Path(directory) / cache.name
            launched = _launch(home, settings, SERVICE, train=trained)
            assert launched.keeper is not None
            state = _await_bolt(home, launched)
            bolt.run(state.port, *TRAINING)
            state.process.end(TRAINING_GRACE)
            launched.keeper.wait()
            trained.replace(cache)


def status(settings: Settings) -> State | None:
    """The server of `settings.data_dir` if it runs and answers; changes nothing."""
    state = _read_state(server_home(settings))
    if state is not None and state.process.is_alive() and bolt.answers(state.port):
        return state
    return None


def stop(settings: Settings) -> bool:
    """Stop the server of `settings.data_dir`, whoever started it; False where none ran."""
    home = server_home(settings)
    if not home.exists():
        return False
    with _turn(home):
        state = _read_state(home)
        if state is None:
            return False
        ran = state.process.is_alive()
        _end(home, state)
        return ran


def server_home(settings: Settings) -> Path:
    """The directory of the server: its data, its configuration, its logs."""
    return settings.data_dir / "neo4j"


def _turn(home: Path) -> AbstractContextManager[None]:
    return exclusive(
        home / "server.lock",
        "starting or stopping this Neo4j",
        patience=START_PATIENCE + STOP_GRACE,
    )


def _running(home: Path) -> State | None:
    """The server that runs and answers. One that does not, or that nobody owns, is ended."""
    state = _read_state(home)
    if state is None:
        return None
    if not state.is_abandoned and state.process.is_alive() and bolt.answers(state.port):
        return state
    _end(home, state)
    return None


def _refuse_foreign_data(home: Path) -> None:
    """Mark an empty directory as this version's; raise where another version wrote it."""
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


@dataclass(frozen=True, slots=True)
class _Launched:
    """A process that was just started; `keeper` ends with it, None for a detached one."""

    state: State
    keeper: subprocess.Popen[bytes] | None


def _launch(
    home: Path,
    settings: Settings,
    profile: Profile,
    *,
    port: int = 0,
    detached: bool = False,
    train: Path | None = None,
) -> _Launched:
    """Start the process in a session of its own: Ctrl-C is for its owner, which stops it in turn.

    `train`: where this run leaves a fast-start cache when it ends, instead of using one.
    """
    for name in ("conf", "import"):
        (home / name).mkdir(exist_ok=True)
    text = configuration(home, port, settings, profile)
    (home / "conf" / "neo4j.conf").write_text(text, encoding="utf-8")
    cache = fast_start_cache(settings.cache_dir)
    aot = f"-XX:AOTCacheOutput={train}" if train else f"-XX:AOTCache={cache}"
    log = home / CONSOLE_LOG
    log.write_bytes(b"")
    owner = None if detached else ProcessId.of(os.getpid())
    keeper = subprocess.Popen(
        [
            *(sys.executable, "-I", "-S", str(KEEPER), str(owner.pid if owner else 0), str(log)),
            *command(find_java(), home, settings.neo4j_heap, profile, aot),
        ],
        env=environment(version_dir(settings.cache_dir) / "lib"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert keeper.stdout is not None
    with keeper.stdout as output:
        pid = int(output.readline())
    if detached:
        keeper.wait()
    state = State(ProcessId.of(pid), owner, 0)
    _write_state(home, state)
    return _Launched(state, None if detached else keeper)


def _await_bolt(home: Path, launched: _Launched) -> State:
    """Wait until it answers; the state with its port. Ends it when that fails."""
    try:
        state = _state_with_port(home, launched.state)
    except BaseException:
        _end(home, launched.state)
        if launched.keeper is not None:
            launched.keeper.wait()
        raise
    _write_state(home, state)
    return state


def _state_with_port(home: Path, state: State) -> State:
    deadline = time.monotonic() + START_PATIENCE
    while time.monotonic() < deadline:
        for port in state.process.listening():
            if bolt.answers(port):
                return replace(state, port=port)
        if not state.process.is_alive():
            raise _why_it_ended(
                (home / CONSOLE_LOG).read_text(encoding="utf-8", errors="replace"), home
            )
        time.sleep(0.05)
    raise RuntimeFailed(
        f"Neo4j did not answer within {START_PATIENCE:.0f} s.",
        remedy=f"See {home / CONSOLE_LOG}; the machine may be too busy or too small.",
    )


def _why_it_ended(log: str, home: Path) -> RuntimeFailed:
    """What the log of a server that ended during its start says, in our words where we know it."""
    if "Address already in use" in log or "BindException" in log:
        return RuntimeFailed(
            "Neo4j could not start: its port was taken meanwhile.", remedy="Start it again."
        )
    if "FileLockException" in log or "locked by another process" in log:
        return RuntimeFailed(
            f"Neo4j could not start: another Neo4j uses {home}.",
            remedy="Stop that one, or name another directory with IDENTITY_DATA_DIR.",
        )
    if "No space left on device" in log:
        return RuntimeFailed(
            f"Neo4j could not start: the disk that holds {home} is full.",
            remedy="Free some space, or name another directory with IDENTITY_DATA_DIR.",
        )
    last = next((line for line in reversed(log.splitlines()) if line.strip()), "it wrote nothing")
    return RuntimeFailed(
        f"Neo4j ended while it started: {last}", remedy=f"See {home / CONSOLE_LOG}."
    )


def _end(home: Path, state: State, grace: float = STOP_GRACE) -> None:
    state.process.end(grace)
    (home / STATE_FILE).unlink(missing_ok=True)


def _write_state(home: Path, state: State) -> None:
    partial = home / f"{STATE_FILE}.new"
    partial.write_text(json.dumps(asdict(state)), encoding="utf-8")
    partial.replace(home / STATE_FILE)


def _read_state(home: Path) -> State | None:
    """What the last server left; None where there is nothing, or nothing that can be read."""
    try:
        raw = json.loads((home / STATE_FILE).read_text(encoding="utf-8"))
        owner = ProcessId(**raw["owner"]) if raw["owner"] else None
        return State(ProcessId(**raw["process"]), owner, raw["port"], raw["version"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
