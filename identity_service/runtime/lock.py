"""The committed list of jars that make up the managed Neo4j.

`python -m identity_service.runtime.lock` resolves the version named here anew and rewrites it.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

VERSION: Final = "2026.09.0"
LOCK_FILE: Final = Path(__file__).with_name("neo4j.lock")

# Test libraries that the published artifacts drag in; the server never loads them.
TEST_LIBRARIES: Final = frozenset(
    {"junit", "org.hamcrest", "org.mockito", "org.objenesis", "net.bytebuddy"}
)


@dataclass(frozen=True, slots=True)
class Jar:
    """One jar: `group:artifact:version[:classifier]`, its SHA-256 (hex) and its size in bytes."""

    coordinate: str
    sha256: str
    size: int

    @property
    def filename(self) -> str:
        """The name it has in a Maven repository, unique in the lock."""
        return "-".join(self.coordinate.split(":")[1:]) + ".jar"


def read_lock(path: Path = LOCK_FILE) -> tuple[Jar, ...]:
    """The jars of a lock, in the order of the class path.

    A lock has one jar a line, `coordinate sha256 size`; lines with `#` are comments.
    """
    jars: list[Jar] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            coordinate, sha256, size = line.split()
            jars.append(Jar(coordinate, sha256, int(size)))
    return tuple(jars)


def lock_digest(jars: tuple[Jar, ...]) -> str:
    """Twelve hex digits that change when any jar does."""
    return hashlib.sha256("".join(jar.sha256 for jar in jars).encode()).hexdigest()[:12]


def resolve_anew() -> tuple[Jar, ...]:
    """Ask the Maven repositories which jars Neo4j needs, and download all of them to hash them."""
    from jgo.maven import Dependency, MavenContext

    with tempfile.TemporaryDirectory() as directory:
        maven = MavenContext(repo_cache=Path(directory))
        inputs, transitive = maven.resolver.resolve(
            [maven.create_dependency(f"org.neo4j:neo4j:{VERSION}")]
        )

        def measure(dependency: Dependency) -> Jar:
            content = dependency.artifact.resolve().read_bytes()
            parts = (dependency.groupId, dependency.artifactId, dependency.version)
            coordinate = ":".join((*parts, dependency.classifier or "")).rstrip(":")
            return Jar(coordinate, hashlib.sha256(content).hexdigest(), len(content))

        wanted = [each for each in inputs + transitive if each.groupId not in TEST_LIBRARIES]
        with ThreadPoolExecutor(8) as pool:
            return tuple(sorted(pool.map(measure, wanted), key=lambda jar: jar.coordinate))


def main() -> None:
    """Rewrite the lock."""
    jars = resolve_anew()
    lines = [f"# Neo4j Community {VERSION}: coordinate, SHA-256, bytes. Made by {__spec__.name}."]
    lines += [f"{jar.coordinate} {jar.sha256} {jar.size}" for jar in jars]
    LOCK_FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.stderr.write(f"{len(jars)} jars, {sum(jar.size for jar in jars) / 1e6:.0f} MB\n")


if __name__ == "__main__":
    main()
