"""From a directory to a process that answers Bolt."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Final, cast

from identity_service.errors import RuntimeFailed
from identity_service.runtime import bolt
from identity_service.runtime.configuration import configuration
from identity_service.runtime.files import replace_text
from identity_service.runtime.jars import lib_dir
from identity_service.runtime.java import (
    CRASH_LOG,
    Profile,
    command,
    environment,
    fast_start,
)
from identity_service.runtime.login import ensure_password
from identity_service.runtime.processes import ProcessId
from identity_service.runtime.state import State, forget_state, write_state
from identity_service.runtime.supervisor import NO_OWNER
from identity_service.settings import Settings

SUPERVISOR: Final = Path(__file__).with_name("supervisor.py")
CONSOLE_LOG: Final = "console.log"
PANIC: Final = b"The database has encountered a critical error, and needs to be restarted."
"""What Neo4j logs at every transaction once its transaction log could not be written."""
LOG_TAIL_BYTES: Final = 16_384
START_TIMEOUT_S: Final = 120.0
STOP_TIMEOUT_S: Final = 60.0

OWNER_ONLY: Final = 0o077
"""The mask under which a server makes files and directories: others can read none of them."""


@dataclass(frozen=True, slots=True)
class Launched:
    """A server process that this process started, and the supervisor that ends when it does.

    `supervisor` is None for a detached server, which is nobody's.
    """

    home: Path
    state: State
    supervisor: subprocess.Popen[bytes] | None

    def end(self, grace: float = STOP_TIMEOUT_S) -> None:
        """Stop it, by force after `grace` seconds; nothing happens when it has ended."""
        self.state.process.end(grace)
        if self.supervisor is not None:
            self.supervisor.wait()
        forget_state(self.home, self.state.process)


def launch(
    home: Path,
    settings: Settings,
    profile: Profile,
    *,
    port: int = 0,
    detached: bool = False,
    train: Path | None = None,
) -> Launched:
    """Start a server in `home` and return it when it lets us in; raises RuntimeFailed.

    `train`: where this run leaves a fast-start cache when it ends, instead of using one.
    """
    write_configuration(home, configuration(home, port, settings, profile))
    aot = fast_start(settings.cache_dir) if train is None else (f"-XX:AOTCacheOutput={train}",)
    arguments = command(home, settings.neo4j_heap, profile, aot)
    variables = environment(
        lib_dir(settings.cache_dir), inherits_settings=profile.inherits_settings
    )
    launched = _spawn(home, arguments, variables, detached=detached)
    try:
        state = await_login(home, launched.state)
        write_state(home, state)
    except BaseException:
        launched.end()
        raise
    return replace(launched, state=state)


def write_configuration(home: Path, text: str) -> None:
    """Make the directories that a server needs in `home`, and its configuration file."""
    for name in ("conf", "import"):
        (home / name).mkdir(parents=True, exist_ok=True)
    replace_text(home / "conf" / "neo4j.conf", text, mode=0o600)


def await_login(home: Path, state: State) -> State:
    """Wait until the server answers; its state with port and password. Raises RuntimeFailed."""
    answering = await_bolt(home, state)
    if answering.password:
        return answering
    return replace(answering, password=ensure_password(home, answering.port))


def await_bolt(home: Path, state: State) -> State:
    """Wait until the server answers; its state with its port. Raises RuntimeFailed."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        for port in state.process.listening():
            if bolt.answers(port):
                return replace(state, port=port)
        if not state.process.is_alive():
            raise _why_it_ended(home)
        time.sleep(0.05)
    raise RuntimeFailed(
        f"Neo4j (process {state.process.pid}) does not answer after {START_TIMEOUT_S:.0f} s.",
        remedy=f"See {home / CONSOLE_LOG}; `identity-service neo4j stop` ends it.",
    )


def panicked(home: Path) -> bool:
    """Whether the server's log says that its database has to be restarted."""
    try:
        with (home / CONSOLE_LOG).open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
            return PANIC in log.read()
    except FileNotFoundError:
        return False


def _spawn(
    home: Path, arguments: tuple[str, ...], variables: dict[str, str], *, detached: bool
) -> Launched:
    """Start the process in a session of its own: Ctrl-C is for its owner, who stops it in turn."""
    owner = None if detached else ProcessId.of(os.getpid())
    log = home / CONSOLE_LOG
    replace_text(log, "", mode=0o600)
    with log.open("ab") as errors:
        supervisor = subprocess.Popen(
            [
                *(sys.executable, "-I", "-S", str(SUPERVISOR)),
                *(str(owner.pid if owner else NO_OWNER), str(log)),
                *arguments,
            ],
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            umask=OWNER_ONLY,
        )
    process = _announced(supervisor)
    if detached or process is None:
        supervisor.wait()
    if process is None:
        raise _why_it_ended(home)
    state = State(process, owner, 0)
    write_state(home, state)
    return Launched(home, state, None if detached else supervisor)


def _announced(supervisor: subprocess.Popen[bytes]) -> ProcessId | None:
    """The process that the supervisor started; None where there was none to start, or it ended."""
    with cast("IO[bytes]", supervisor.stdout) as output:
        line = output.readline()
    return ProcessId.of(int(line)) if line else None


def _why_it_ended(home: Path) -> RuntimeFailed:
    """What the log of a server that ended by itself says, in our words where we know it."""
    log = (home / CONSOLE_LOG).read_text(encoding="utf-8", errors="replace")
    if "Address already in use" in log:
        return RuntimeFailed(
            "Neo4j could not start: its port was taken meanwhile.", remedy="Start it again."
        )
    if "FileLockException" in log:
        return RuntimeFailed(
            f"Neo4j could not start: another Neo4j uses {home}.",
            remedy="Stop that one, or name another directory with IDENTITY_DATA_DIR.",
        )
    if "No space left on device" in log:
        return RuntimeFailed(
            f"Neo4j could not start: the disk that holds {home} is full.",
            remedy="Free some space, or name another directory with IDENTITY_DATA_DIR.",
        )
    if "fatal error has been detected by the Java" in log:
        return RuntimeFailed(
            "Java crashed while it ran Neo4j.",
            remedy="Start it again; should it crash again, delete the .aot file in the cache "
            f"directory, which only makes starts faster. See {home / CRASH_LOG}.",
        )
    lines = [line for line in log.splitlines() if line.strip()]
    return RuntimeFailed(
        f"Neo4j ended by itself: {lines[-1] if lines else 'it wrote nothing'}",
        remedy=f"See {home / CONSOLE_LOG}.",
    )
