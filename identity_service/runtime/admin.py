"""Neo4j's command-line tool, on a server that does not run and was never started."""

from __future__ import annotations

import re
import subprocess
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Final, cast

from identity_service.errors import RuntimeFailed
from identity_service.runtime.configuration import configuration
from identity_service.runtime.jars import lib_dir
from identity_service.runtime.java import ACCESS, Profile, environment, fast_start, find_java
from identity_service.runtime.launch import OWNER_ONLY, write_configuration
from identity_service.settings import Settings

TOOL: Final = "org.neo4j.cli.AdminTool"

_LAST: Final = 100
"""So many lines of what it said last hold the reason why it failed."""

_PHASE: Final = re.compile(r"\((\d+)/(\d+)\) ")
_PERCENT: Final = re.compile(r" (\d+)% ")

Done = Callable[[float], None]
"""Is called with the share of the work is done, between 0 and 1."""


def import_store(
    home: Path,
    settings: Settings,
    profile: Profile,
    files: Path,
    arguments: Sequence[str],
    done: Done = lambda _: None,
) -> None:
    """Make the database of a server from files of a directory, as `arguments` say.

    Relationships without an end and nodes that are there already are left out. Takes the memory of
    `settings` twice over. Raises RuntimeFailed.
    """
    lenient = ("--skip-bad-relationships", "--skip-duplicate-nodes", "--bad-tolerance=-1")
    quiet = ("--skip-bad-entries-logging",)
    memory = (f"--max-off-heap-memory={settings.neo4j_page_cache}",)
    command = ("database", "import", "full", "neo4j", *lenient, *quiet, *memory, *arguments)
    _run(home, settings, profile, command, files, Shares(done).hear)


class Shares:
    """Reads the import's progress off its output: phases, each with its percentages."""

    def __init__(self, done: Done) -> None:
        self._done = done
        self._phase, self._phases = 1, 1

    def hear(self, line: str) -> None:
        """Take in a line."""
        if phase := _PHASE.match(line):
            self._phase, self._phases = int(phase[1]), int(phase[2])
        elif percent := _PERCENT.search(line):
            self._done((self._phase - 1 + int(percent[1]) / 100) / self._phases)


def _run(
    home: Path,
    settings: Settings,
    profile: Profile,
    command: Sequence[str],
    directory: Path,
    hear: Callable[[str], None],
) -> None:
    """Run the tool in the directory; `hear` gets the lines that it prints."""
    write_configuration(home, configuration(home, 0, settings, profile))
    variables = environment(lib_dir(settings.cache_dir), inherits_settings=False)
    variables |= {"NEO4J_HOME": str(home), "NEO4J_CONF": str(home / "conf")}
    java = (
        str(find_java()),
        *ACCESS,
        *profile.java_options,
        *fast_start(settings.cache_dir),
        f"-Xmx{settings.neo4j_heap}",
    )
    said: deque[str] = deque(maxlen=_LAST)
    with subprocess.Popen(
        [*java, TOOL, *command],
        cwd=directory,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        umask=OWNER_ONLY,
    ) as tool:
        try:
            for line in cast("IO[str]", tool.stdout):
                said.append(line)
                hear(line)
        except BaseException:
            tool.kill()
            raise
    if tool.returncode != 0:
        whole = " ".join(" ".join(said).split())
        reason = whole.partition("Command Failed")[2] or whole
        raise RuntimeFailed(
            f"Neo4j's tool could not do `{' '.join(command[:2])}`.",
            remedy=f"It said: {reason[:300]}",
        )
