"""A second managed Neo4j that holds a copy of one space, for whoever wants to do as they like.

It has a process, a port, a password and a directory of its own below `IDENTITY_DATA_DIR`, knows
nothing of the first, and stays until it is stopped. A new copy is made beside the old one and
takes its place when it is whole.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

from identity_service.errors import Conflict, NotFound, RuntimeFailed
from identity_service.runtime import server
from identity_service.runtime.admin import Done, import_store
from identity_service.runtime.files import disk_errors, exclusive, replace_text
from identity_service.runtime.jars import fetch
from identity_service.runtime.java import Profile, find_java
from identity_service.runtime.login import keep_password, new_password
from identity_service.runtime.processes import ProcessId
from identity_service.runtime.provided import with_login
from identity_service.settings import Settings

_ABOUT: Final = "sandbox.json"
_COPIES: Final = "copy-"
_POLL_INTERVAL_S: Final = 0.5

_CAPPED: Final = Profile(
    ("-XX:+UseSerialGC",),
    room=50_000_000,
    configuration=("db.tx_log.preallocate=false",),
    inherits_settings=False,
)
"""A sandbox while it is made: somebody waits for it."""

_NICENESS: Final = 10
"""How far it stands behind everybody else, once nobody waits for it."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A whole copy: of which space, when it was begun (milliseconds since 1970), and its login.

    `copied` counts what it holds; `directory` is the name of where it lies.
    """

    space: str
    copied_at: int
    password: str
    directory: str
    port: int = 0
    copied: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def uri(self) -> str:
        """Its Bolt address, on loopback."""
        return f"bolt://127.0.0.1:{self.port}"


class Rebuilding:
    """A copy that is being made: write its files into `files`, `load` them, then `start` it."""

    def __init__(
        self, settings: Settings, before: Sandbox | None, made: Sandbox, files: Path
    ) -> None:
        self.made = made
        self.files = files
        self._settings = settings
        self._before = before
        self._process: ProcessId | None = None

    def load(self, arguments: Sequence[str], imported: Done = lambda _: None) -> None:
        """Make the new database of the files, as `arguments` tell of them. Raises RuntimeFailed."""
        target = _for(self._settings, self.made)
        home = server.server_home(target)
        server.claim(home)
        keep_password(home, self.made.password)
        import_store(home, target, _CAPPED, self.files, arguments, imported)
        shutil.rmtree(self.files)

    def start(self, copied: Mapping[str, int], *, port: int = 0) -> Settings:
        """Start the new server in place of the old one; how to reach it.

        `copied` counts what it holds. Without a `port` it takes that of the old one. Raises
        RuntimeFailed.
        """
        target = _for(self._settings, self.made)
        if self._before is not None:
            port = port or self._before.port
            server.stop(_for(self._settings, self._before))
        running = server.start(target, _serving(self._settings), port=port, detached=True)
        self.made = replace(self.made, port=running.state.port, copied=copied)
        self._process = running.state.process
        return with_login(target, running.uri, running.password)

    def lower_priority(self) -> None:
        """Nobody waits for it any more."""
        if self._process is not None:
            self._process.yield_to_others(_NICENESS)


def find(settings: Settings) -> Sandbox | None:
    """The sandbox that there is, running or not; raises RuntimeFailed for one that is damaged."""
    file = _root(settings) / _ABOUT
    try:
        return Sandbox(**json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise RuntimeFailed(
            f"{file} cannot be read.",
            remedy="`identity-service sandbox stop --remove` deletes the sandbox.",
        ) from error


def require(settings: Settings) -> Sandbox:
    """The sandbox that there is; raises NotFound."""
    found = find(settings)
    if found is None:
        raise NotFound(
            "There is no sandbox.",
            remedy="`identity-service sandbox start --space NAME` makes one.",
        )
    return found


def is_running(settings: Settings, sandbox: Sandbox) -> bool:
    """Whether it answers."""
    return server.status(_for(settings, sandbox)) is not None


@contextmanager
def rebuilt(settings: Settings, space: str, now: int, *, anew: bool) -> Generator[Rebuilding]:
    """A copy to be filled; at the end it is the sandbox, and runs.

    `anew`: there is one already, whose login it takes over. An exception leaves that as it was, and
    nothing is left of a copy whose maker was killed. Raises Conflict where there is one already
    and none is to be replaced, and RuntimeFailed, also where somebody else is at it.
    """
    with _turn(settings):
        find_java()
        fetch(settings.cache_dir)
        before = find(settings)
        if before is not None and not anew:
            raise _there_already(before)
        _clear(settings, before)
        password = before.password if before else new_password()
        made = Sandbox(space, now, password, f"{_COPIES}{secrets.token_hex(4)}")
        ran = before is not None and is_running(settings, before)
        files = _root(settings) / made.directory / "files"
        files.mkdir(parents=True)
        files.parent.chmod(0o700)
        try:
            rebuilding = Rebuilding(settings, before, made, files)
            yield rebuilding
            _write(settings, rebuilding.made)
        except BaseException:
            _clear(settings, before)
            if before is not None and ran:
                with suppress(RuntimeFailed):  # what went wrong first matters more
                    _start(settings, before, 0)
            raise
        _clear(settings, rebuilding.made)
        rebuilding.lower_priority()


def start(settings: Settings, space: str, *, port: int = 0) -> Sandbox:
    """Start the sandbox that there is as it was left.

    Raises NotFound, Conflict where it runs already or is one of another space, and RuntimeFailed.
    """
    with _turn(settings):
        found = require(settings)
        if found.space != space:
            raise _there_already(found)
        if is_running(settings, found):
            raise Conflict(
                f"The sandbox of “{space}” runs already, at {found.uri}.",
                remedy="`sandbox refresh` copies the space anew, `sandbox status` shows the login.",
            )
        _clear(settings, found)
        return _start(settings, found, port)


def stop(settings: Settings, *, remove: bool) -> bool:
    """Stop the sandbox, and delete its data if asked to; False where there was none to stop."""
    with _turn(settings):
        stopped = [server.stop(_at(settings, copy)) for copy in _copies(settings)]
        if remove:
            _clear(settings, None)
            (_root(settings) / _ABOUT).unlink(missing_ok=True)
        return any(stopped)


def _start(settings: Settings, found: Sandbox, port: int) -> Sandbox:
    target = _for(settings, found)
    keep_password(server.server_home(target), found.password)
    running = server.start(target, _serving(settings), port=port or found.port, detached=True)
    started = replace(found, port=running.state.port)
    _write(settings, started)
    running.state.process.yield_to_others(_NICENESS)
    return started


def _clear(settings: Settings, keep: Sandbox | None) -> None:
    """Stop and delete every copy but one."""
    for copy in _copies(settings):
        if keep is None or copy.name != keep.directory:
            server.stop(_at(settings, copy))
            shutil.rmtree(copy, ignore_errors=True)


def _serving(settings: Settings) -> Profile:
    """As it serves: with few processors."""
    cap = f"-XX:ActiveProcessorCount={settings.sandbox_processors}"
    return replace(_CAPPED, java_options=(*_CAPPED.java_options, cap))


def _for(settings: Settings, sandbox: Sandbox) -> Settings:
    return _at(settings, _root(settings) / sandbox.directory)


def _at(settings: Settings, directory: Path) -> Settings:
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


def _copies(settings: Settings) -> list[Path]:
    return list(_root(settings).glob(f"{_COPIES}*"))


@contextmanager
def _turn(settings: Settings) -> Generator[None]:
    """One at a time, with clear words when a disk refuses."""
    root = _root(settings)
    lock = exclusive(
        root / "sandbox.lock", "making or stopping a sandbox", patience=_POLL_INTERVAL_S
    )
    with disk_errors(root, "IDENTITY_DATA_DIR"), lock:
        yield


def _there_already(found: Sandbox) -> Conflict:
    return Conflict(
        f"There is a sandbox already, with the space “{found.space}”.",
        remedy="`identity-service sandbox stop --remove` makes room.",
    )


def _write(settings: Settings, sandbox: Sandbox) -> None:
    """It holds the password: for the owner's eyes only."""
    replace_text(_root(settings) / _ABOUT, json.dumps(asdict(sandbox)), mode=0o600)
