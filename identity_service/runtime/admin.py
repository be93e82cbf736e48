"""Neo4j's command-line tool, on a server that does not run and was never started."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from identity_service.errors import RuntimeFailed
from identity_service.runtime.configuration import configuration
from identity_service.runtime.jars import lib_dir
from identity_service.runtime.java import ACCESS, Profile, environment, fast_start, find_java
from identity_service.runtime.launch import write_configuration
from identity_service.settings import Settings

USER: Final = "neo4j"
TOOL: Final = "org.neo4j.cli.AdminTool"
PATIENCE: Final = 3600.0


def set_password(home: Path, settings: Settings, profile: Profile, password: str) -> None:
    """Have a server know the user `neo4j` by this password: letters, digits, `_` and `-`.

    Raises RuntimeFailed.
    """
    _run(home, settings, profile, ("dbms", "set-initial-password", password))


def import_store(
    home: Path, settings: Settings, profile: Profile, files: Path, arguments: Sequence[str]
) -> None:
    """Make the database of a server from files of a directory, as `arguments` say.

    Relationships without an end and nodes that are there already are left out. Takes the memory of
    `settings` twice over. Raises RuntimeFailed.
    """
    lenient = ("--skip-bad-relationships", "--skip-duplicate-nodes", "--bad-tolerance=-1")
    quiet = ("--skip-bad-entries-logging",)
    memory = (f"--max-off-heap-memory={settings.neo4j_page_cache}",)
    command = ("database", "import", "full", "neo4j", *lenient, *quiet, *memory, *arguments)
    _run(home, settings, profile, command, files)


def _run(
    home: Path,
    settings: Settings,
    profile: Profile,
    command: Sequence[str],
    directory: Path | None = None,
) -> None:
    """Run the tool, in the directory if one is given."""
    write_configuration(home, configuration(home, 0, settings, profile))
    # In a file, since arguments of a process can be read by everybody on the machine.
    arguments = home / "admin.arguments"
    arguments.touch(mode=0o600)
    arguments.write_text("\n".join(map(_quoted, (TOOL, *command))) + "\n", encoding="utf-8")
    variables = environment(lib_dir(settings.cache_dir), guarded=True)
    variables |= {"NEO4J_HOME": str(home), "NEO4J_CONF": str(home / "conf")}
    java = (
        str(find_java()),
        *ACCESS,
        *profile.java_options,
        *fast_start(settings.cache_dir),
        f"-Xmx{settings.neo4j_heap}",
    )
    try:
        ended = subprocess.run(
            [*java, f"@{arguments}"],
            cwd=directory,
            env=variables,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            check=False,
        )
    finally:
        arguments.unlink()
    if ended.returncode != 0:
        said = " ".join((ended.stderr or ended.stdout).split())
        reason = said.partition("Command Failed")[2] or said
        raise RuntimeFailed(
            f"Neo4j's tool could not do `{' '.join(command[:2])}`.",
            remedy=f"It said: {reason[:300]}",
        )


def _quoted(argument: str) -> str:
    """As Java reads it in a file of arguments."""
    escaped = argument.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
