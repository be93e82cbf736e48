"""Prove that the locks are complete: `make prove-lock`.

::

    python requirements/prove.py

Each lock is installed as the Makefile does it, where nothing was installed before, by the oldest
pip that this Python may have brought and by the newest. Then everything that the project and the
installed packages require must be there. The lock of the client's generator is proved likewise, by
itself, as `make client` installs it. Needs the package index. Ends with status 1 and what pip said
where a lock cannot be installed or something is missing.
"""

import ensurepip
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

ROOT = Path(__file__).resolve().parents[1]

OLDEST_PIP = {(3, 11): "22.3", (3, 12): "23.2.1", (3, 13): "24.2", (3, 14): "25.2"}
"""What the first release of each Python brings. A still older pip may not run on that Python."""

LOCKS = (
    ("build.txt", None, ("build",)),
    ("service.txt", (), ()),
    ("local.txt", ("local",), ("build",)),
    ("dev.txt", ("local", "data", "sql"), ("dev",)),
)
"""Each lock, with the extras and groups that `make lock` puts in. `None`: not the service itself.

They are installed in this order, one after the other.
"""


CLIENT = ROOT / "client"

Lock = tuple[Path, Sequence[str]]
"""A lock, and what must be there once it is installed."""


class PipError(Exception):
    """What pip said when it failed."""


def main() -> int:
    """Prove every lock under both pips, side by side. Returns the process's exit status."""
    oldest = OLDEST_PIP.get(sys.version_info[:2], ensurepip.version())
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as pool:
        begun = [
            pool.submit(prove, Path(folder, f"{pip}-{of}"), requirement, locks)
            for of, locks in (("service", services_locks()), ("client", [clients_lock()]))
            for pip, requirement in (("oldest", f"pip=={oldest}"), ("newest", "pip"))
        ]
        proved = [each.result() for each in begun]
    return 0 if all(proved) else 1


def services_locks() -> list[Lock]:
    """Those of the service, in their order."""
    return [
        (ROOT / "requirements" / name, declared(extras, groups)) for name, extras, groups in LOCKS
    ]


def clients_lock() -> Lock:
    """That of the client's generator, which needs other releases than the service."""
    required = (CLIENT / "requirements.in").read_text(encoding="utf-8").split()
    return CLIENT / "requirements.txt", required


def prove(environment: Path, requirement: str, locks: Sequence[Lock]) -> bool:
    """Whether this pip finds locks complete, in an environment made for them. Says so."""
    proved = requirement
    try:
        python, version = make(environment, requirement)
        for lock, required in locks:
            proved = f"{lock.relative_to(ROOT)} with pip {version}"
            started = monotonic()
            install(python, lock)
            check(python, required)
            say(f"{proved}: complete ({monotonic() - started:.0f} s)")
    except PipError as error:
        say(f"{proved}: FAILED\n{error}")
        return False
    return True


def make(environment: Path, requirement: str) -> tuple[Path, str]:
    """An environment that holds this pip and nothing else: its Python and the pip's version."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    python = environment / "bin" / "python"
    pip(sys.executable, "--python", str(python), "install", "--quiet", requirement)
    return python, pip(python, "--version").split()[1]


def install(python: Path, lock: Path) -> None:
    """Install what a lock names and nothing else. Raises PipError."""
    # Nothing is started from there, so it needs no bytecode.
    pip(python, "install", "--quiet", "--no-compile", "--no-deps", "--require-hashes", "-r", lock)


def check(python: Path, requirements: Sequence[str]) -> None:
    """Raise PipError unless these and all that the installed packages require are installed."""
    pip(python, "check")
    # `pip check` passes over extras, and knows nothing of the project itself.
    pip(python, "install", "--quiet", "--dry-run", "--no-index", *requirements, PIP_FIND_LINKS="")


def declared(extras: Sequence[str] | None, groups: Sequence[str]) -> list[str]:
    """What pyproject.toml requires for these groups, and the service with these extras if any."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = table["project"]
    found: list[str] = [] if extras is None else list(project["dependencies"])
    for extra in extras or ():
        found += project["optional-dependencies"][extra]
    for group in groups:
        found += members(table["dependency-groups"], group)
    return found


def members(groups: Mapping[str, list[str | dict[str, str]]], name: str) -> Iterator[str]:
    """The requirements of a dependency group and of those that it includes."""
    for entry in groups[name]:
        if isinstance(entry, str):
            yield entry
        else:
            yield from members(groups, entry["include-group"])


def pip(python: Path | str, *arguments: str | Path, **environment: str) -> str:
    """What pip printed. Raises PipError with it when pip fails."""
    ended = subprocess.run(
        [python, "-m", "pip", *arguments],
        env=os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"} | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise PipError(ended.stdout)
    return ended.stdout


def say(line: str) -> None:
    """Print one line at once: what the two pips say comes when it is known."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
