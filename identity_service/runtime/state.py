"""What a running server leaves in its directory for whoever comes next."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from identity_service.runtime.files import replace_text
from identity_service.runtime.lock import VERSION
from identity_service.runtime.processes import ProcessId

STATE_FILE: Final = "server.json"


@dataclass(frozen=True, slots=True)
class State:
    """A server's process, whose it is (None: nobody's), its port (0: not known yet) and password.

    `password`: of the user `neo4j`; empty until it is known, and of a server that an earlier
    version of this service started.
    """

    process: ProcessId
    owner: ProcessId | None
    port: int
    version: str = VERSION
    password: str = field(default="", repr=False)

    @property
    def uri(self) -> str:
        """Where it answers Bolt."""
        return f"bolt://127.0.0.1:{self.port}"

    @property
    def is_abandoned(self) -> bool:
        """Whether it belonged to a process that is gone."""
        return self.owner is not None and not self.owner.is_alive()


def write_state(home: Path, state: State) -> None:
    """Leave it in `home`, in one step, for the owner's eyes only."""
    replace_text(home / STATE_FILE, json.dumps(asdict(state)), mode=0o600)


def read_state(home: Path) -> State | None:
    """What the last server left; None where there is nothing, or nothing that can be read."""
    try:
        raw = json.loads((home / STATE_FILE).read_text(encoding="utf-8"))
        owner = ProcessId(**raw["owner"]) if raw["owner"] else None
        process, password = ProcessId(**raw["process"]), raw.get("password", "")
        return State(process, owner, raw["port"], raw["version"], password)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def forget_state(home: Path, process: ProcessId) -> None:
    """This process is gone; what another one left stays."""
    state = read_state(home)
    if state is not None and state.process == process:
        (home / STATE_FILE).unlink()
