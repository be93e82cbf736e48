"""The password of a server, set before its first start."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from identity_service.errors import RuntimeFailed
from identity_service.runtime.configuration import configuration
from identity_service.runtime.jars import lib_dir
from identity_service.runtime.java import ACCESS, Profile, environment, find_java
from identity_service.runtime.launch import write_configuration
from identity_service.settings import Settings

USER: Final = "neo4j"
TOOL: Final = "org.neo4j.cli.AdminTool"
PATIENCE: Final = 120.0


def set_password(home: Path, settings: Settings, profile: Profile, password: str) -> None:
    """Have a server that was never started know the user `neo4j` by this password.

    `password` is letters, digits, `_` and `-`. Raises RuntimeFailed.
    """
    write_configuration(home, configuration(home, 0, settings, profile))
    # In a file, since arguments of a process can be read by everybody on the machine.
    arguments = home / "login.arguments"
    arguments.touch(mode=0o600)
    arguments.write_text(f"{TOOL} dbms set-initial-password {password}\n", encoding="utf-8")
    variables = environment(lib_dir(settings.cache_dir), guarded=True)
    variables |= {"NEO4J_HOME": str(home), "NEO4J_CONF": str(home / "conf")}
    command = [str(find_java()), *ACCESS, "-XX:TieredStopAtLevel=1", "-Xmx128m", f"@{arguments}"]
    try:
        ended = subprocess.run(
            command, env=variables, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    finally:
        arguments.unlink()
    if ended.returncode != 0:
        raise RuntimeFailed(
            "Neo4j would not take a password for the new server.",
            remedy=f"It said: {' '.join(ended.stderr.split())[-300:]}",
        )
