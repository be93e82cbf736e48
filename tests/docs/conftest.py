"""The demo, and somebody who reads the pages beside it."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Final

import pytest
from neo4j import Driver

from identity_service.runtime import sandbox
from identity_service.settings import Settings
from tests.docs.likeness import Likeness
from tests.docs.pages import ROOT
from tests.docs.reader import Reader
from tests.support.neo4j import driver_of, environment_of

OWN_SPACE: Final = "tutorial"
"""The space that the tutorial makes."""

PROGRAMS: Final = {
    "identity-service": "import sys; from identity_service.cli import main; sys.exit(main())",
    "duckdb": "from tests.docs.duckdb_command import main; main()",
    "python": None,
}
"""What a page types into a terminal, each with the Python that stands for it."""

CHECKOUT: Final = ("cypher", "docs", "examples", "identity_service", "tests")
"""Folders that pages name files of."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout, as far as pages name its files, to write into."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    for name in CHECKOUT:
        (checkout / name).symlink_to(ROOT / name)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in PROGRAMS.items():
        program = programs / name
        run = '"$@"' if text is None else f'-c "{text}" "$@"'
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {run}\n', encoding="utf-8")
        program.chmod(0o755)
    return checkout


@pytest.fixture
def environment(
    database_settings: Settings, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A terminal of 80 columns in the checkout, where commands find the database of the run."""
    for name, value in {
        **environment_of(database_settings),
        "IDENTITY_DATA_DIR": str(tmp_path / "data"),
        "IDENTITY_DESTINATION_NETWORKS": "127.0.0.0/8",
        "IDENTITY_READ_TIMEOUT": "120",
        "IDENTITY_SANDBOX_HEAP": "300m",
        "IDENTITY_SANDBOX_PAGE_CACHE": "32m",
        "PYTHONPATH": str(ROOT),
        "TERM": "dumb",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", str(folder.parent / "bin"), prepend=os.pathsep)
    monkeypatch.chdir(folder)


@pytest.fixture
def reader(environment: None, folder: Path, database_settings: Settings) -> Generator[Reader]:  # noqa: ARG001
    """Somebody who has run `make demo`, on port 8080, and has made themselves its key."""
    with driver_of(database_settings) as database:
        forget(database)
        instance_key = f"ids_instance_{secrets.token_urlsafe(32)}"
        running = subprocess.Popen(
            [folder.parent / "bin" / "identity-service", "demo"],
            env={**os.environ, "IDENTITY_PORT": "0", "IDENTITY_ADMIN_KEY": instance_key},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            url, key = _told(running)
            likeness = Likeness(
                {
                    "127.0.0.1:8080": url.removeprefix("http://"),
                    "ids_admin_…": key,
                    "ids_instance_…": instance_key,
                }
            )
            yield Reader(url, key, folder, {**os.environ, "KEY": key}, likeness)
        finally:
            sandbox.stop(Settings(), remove=True)
            running.terminate()
            running.communicate()
            forget(database)


def _told(running: subprocess.Popen[str]) -> tuple[str, str]:
    """The address and the key that the demo prints."""
    assert running.stdout is not None
    printed = ""
    for line in running.stdout:
        printed += line
        if "Ctrl-C ends it." in line:
            break
    address = re.search(r"Explorer +(http://\S+)/graphql", printed)
    key = re.search(r"ids_admin_\S+", printed)
    assert address is not None, printed
    assert key is not None, printed
    return address[1], key[0]


def forget(database: Driver) -> None:
    """Remove what pages leave behind, so that each begins as the first one."""
    database.execute_query(  # pyright: ignore[reportUnknownMemberType]
        "MATCH (n) WHERE n.space IN $spaces OR (n:Space AND n.name IN $spaces) DETACH DELETE n",
        spaces=["demo", OWN_SPACE],
    )
    database.execute_query(  # pyright: ignore[reportUnknownMemberType]
        "MATCH (s:Source) WHERE NOT (s)-[:FEEDS]->() DETACH DELETE s"
    )
